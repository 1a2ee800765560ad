"""One storm from beginning to end: work, faults, calm, verdict."""

import random
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from django.db import connection

from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import ArchivedJob, DeadJob, Job, WorkerRecord

from .checker import Record, Verdict, judge
from .faults import Agenda, Faults
from .fleet import Fleet
from .history import History, read
from .producers import Producer
from .proxy import Proxy
from .server import Server
from .watching import Watch

#: How long the workers may take to end what is left, once nothing is done to them any more.
CALM_SECONDS = 180.0
LOOK_SECONDS = 0.05
_TOLD = re.compile(
    r"\b(job\.finish_was_stale|worker\.declared_dead|worker\.reaped|worker\.reconciled"
    r"|pump\.database_failed)\b"
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything. Faults of one group come one after the other."""

    jobs: int
    seconds: float
    groups: Sequence[Mapping[str, int]]
    processes: Sequence[int]  #: children of each worker; 0 is all in one process
    producers: int = 2


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where it happens: a folder, a way to the database for each worker, and what can be done to
    it.
    """

    folder: Path
    worker_urls: Sequence[str]
    proxies: Sequence[Proxy] = ()
    server: Server | None = None
    server_url: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one storm."""

    seed: int
    seconds: float
    faults: Mapping[str, int]
    verdict: Verdict
    told: Mapping[str, int]  #: how often workers said so
    statuses: Sequence[int]  #: of the workers, when they were asked to stop
    orphans: int  #: processes that outlived their worker by long
    ended: Sequence[str]  #: what workers printed that went by themselves

    @property
    def passed(self) -> bool:
        unruly = any(self.statuses) or self.orphans or self.ended
        return not self.verdict.failures and not unruly

    def figures(self) -> dict[str, Any]:
        return {"passed": self.passed, **msgspec.to_builtins(self)}


def storm(plan: Plan, ground: Ground, *, seed: int) -> Report:
    """Let it rage, let everything come to an end, and judge."""
    began = monotonic()
    history = History(ground.folder / "history")
    fleet = Fleet(
        ground.worker_urls, processes=plan.processes, folder=ground.folder, history=history
    )
    faults = _faults(plan, ground, fleet=fleet, history=history, seed=seed)
    try:
        fleet.start()
        with _producing(plan, seed=seed, history=history):
            _rage(plan, faults, fleet)
        _come_to_an_end(ground, fleet)
    finally:
        statuses, orphans = fleet.stop(), fleet.orphans()
        history.close()
    return Report(
        seed=seed,
        seconds=round(monotonic() - began, 1),
        faults=dict(sorted(faults.done.items())),
        verdict=_verdict(ground.folder),
        told=dict(sorted(Counter(_TOLD.findall(fleet.printed)).items())),
        statuses=statuses,
        orphans=orphans,
        ended=[f"{one.status}: {one.printed}" for one in fleet.ended],
    )


def _faults(plan: Plan, ground: Ground, *, fleet: Fleet, history: History, seed: int) -> Faults:
    faults = Faults(
        chance=random.Random(seed),
        agenda=Agenda(),
        fleet=fleet,
        history=history,
        watch=Watch(ground.folder / "history"),
        proxies=ground.proxies,
        server=ground.server,
        url=ground.server_url,
    )
    faults.plan(plan.groups, seconds=plan.seconds)
    return faults


@contextmanager
def _producing(plan: Plan, *, seed: int, history: History) -> Iterator[None]:
    share = plan.jobs // plan.producers
    producers = [
        Producer(
            range(index * share, (index + 1) * share),
            seconds=0.9 * plan.seconds,
            seed=seed,
            history=history,
        )
        for index in range(plan.producers)
    ]
    for producer in producers:
        producer.start()
    try:
        yield
    finally:
        for producer in producers:
            producer.hurry()
        for producer in producers:
            producer.join()


def _rage(plan: Plan, faults: Faults, fleet: Fleet) -> None:
    began, pause = monotonic(), threading.Event()
    while (now := monotonic() - began) < plan.seconds or not faults.are_over:
        faults.strike_until(now)
        fleet.look()
        pause.wait(LOOK_SECONDS)


def _come_to_an_end(ground: Ground, fleet: Fleet) -> None:
    """Wait until no job is live; what then still is, the verdict counts as unfinished."""
    for proxy in ground.proxies:
        proxy.calm()
    connection.close()  # what was done to others was done to it
    pause = threading.Event()
    until = monotonic() + CALM_SECONDS
    while monotonic() < until and Job.objects.exists():
        fleet.look()
        pause.wait(4 * LOOK_SECONDS)


def _verdict(folder: Path) -> Verdict:
    dead = WorkerRecord.objects.filter(state="dead").values_list("pk", flat=True)
    return judge(
        read(folder / "history"), list(_records()), dead_workers={str(one) for one in dead}
    )


def _records() -> Iterator[Record]:
    for table in (Job, ArchivedJob, DeadJob):
        columns = ("pk", "payload", "state", "claim_token", "result")
        for pk, payload, state, token, result in table._default_manager.values_list(*columns):
            yield Record(
                id=pk,
                number=payload["kwargs"]["number"],
                state=state,
                token=str(token or ""),
                answered=result or "",
            )
