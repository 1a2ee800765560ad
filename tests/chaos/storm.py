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
from django_jobqueue.models import WorkerRecord
from tests.failpoints.points import Action, Failpoints, Fired
from tests.faketime import clean_up_after

from .batches import BatchProducer
from .checker import Verdict, judge
from .faults import Agenda, Faults
from .fleet import Fleet
from .history import Event, History, read
from .jobs import ENDINGS
from .producers import Producer
from .proxy import Proxy
from .records import batch_ends, live_jobs, records, slots
from .server import Server
from .watching import Watch

#: How long the workers may take to end what is left, once nothing is done to them any more.
CALM_SECONDS = 180.0
LOOK_SECONDS = 0.05
AnyProducer = Producer | BatchProducer
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
    doomed: int = 0  #: jobs for each producer that cannot succeed
    batches: int = 10
    producers: int = 2


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """Where it happens: a folder, the environment of each worker with its way to the database, and
    what can be done to that.
    """

    folder: Path
    workers: Sequence[Mapping[str, str]]
    proxies: Sequence[Proxy] = ()
    server: Server | None = None
    server_url: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one storm."""

    seed: int
    seconds: float
    faults: Mapping[str, int]
    failpoints: Mapping[str, int]  #: which of them happened
    verdict: Verdict
    told: Mapping[str, int]  #: how often workers said so
    statuses: Sequence[int]  #: of the workers, when they were asked to stop
    orphans: int  #: processes that outlived their worker by long
    ended: Sequence[str]  #: what workers printed that went by themselves, without a reason

    @property
    def passed(self) -> bool:
        unruly = any(self.statuses) or self.orphans or self.ended
        return not self.verdict.failures and not unruly

    def figures(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "kills": sum(self.faults.get(name, 0) for name in ("kill", "kill_child", "kill_tree"))
            + sum(count for name, count in self.failpoints.items() if name.endswith(":kill")),
            "database_restarts": sum(self.faults.get(name, 0) for name in ("restart", "outage")),
            **msgspec.to_builtins(self),
        }


def storm(plan: Plan, ground: Ground, *, seed: int) -> Report:
    """Let it rage, let everything come to an end, and judge."""
    began = monotonic()
    history = History(ground.folder / "history")
    (ground.folder / "failpoints").mkdir()
    failpoints = Failpoints(ground.folder / "failpoints")
    fleet = Fleet(ground.workers, processes=plan.processes, folder=ground.folder, history=history)
    faults = _faults(plan, ground, fleet=fleet, history=history, failpoints=failpoints, seed=seed)
    try:
        fleet.start()
        with _producing(plan, seed=seed, history=history) as producers:
            _rage(plan, faults, fleet)
            _look_until_enqueued(producers, fleet)
        _come_to_an_end(ground, fleet)
    finally:
        statuses, orphans = fleet.stop(), fleet.orphans()
        history.close()
        clean_up_after(fleet.pids)
    events, fired = read(ground.folder / "history"), failpoints.fired()
    return Report(
        seed=seed,
        seconds=round(monotonic() - began, 1),
        faults=dict(sorted(faults.done.items())),
        failpoints=dict(sorted(Counter(map(str, fired)).items())),
        verdict=_verdict(events),
        told=dict(sorted(Counter(_TOLD.findall(fleet.printed)).items())),
        statuses=statuses,
        orphans=orphans,
        ended=list(_without_a_reason(fleet, events, fired)),
    )


def _without_a_reason(
    fleet: Fleet, events: Sequence[Event], fired: Sequence[Fired]
) -> Iterator[str]:
    """What workers printed that were neither killed at a failpoint nor ended by a job."""
    explained = {one.pid for one in fired if one.action is Action.KILL}
    explained |= {event.pid for event in events if ENDINGS.get(event.what) == "poison"}
    for one in fleet.ended:
        if one.pid not in explained:
            yield f"{one.status}: {one.printed}"


def _faults(
    plan: Plan,
    ground: Ground,
    *,
    fleet: Fleet,
    history: History,
    failpoints: Failpoints,
    seed: int,
) -> Faults:
    faults = Faults(
        chance=random.Random(seed),
        agenda=Agenda(),
        fleet=fleet,
        history=history,
        watch=Watch(ground.folder / "history"),
        failpoints=failpoints,
        proxies=ground.proxies,
        server=ground.server,
        url=ground.server_url,
    )
    faults.plan(plan.groups, seconds=plan.seconds)
    return faults


@contextmanager
def _producing(plan: Plan, *, seed: int, history: History) -> Iterator[list[AnyProducer]]:
    share = plan.jobs // plan.producers
    seconds = 0.9 * plan.seconds
    producers: list[AnyProducer] = [
        Producer(
            range(index * share, (index + 1) * share),
            doomed=plan.doomed,
            seconds=seconds,
            seed=seed,
            history=history,
        )
        for index in range(plan.producers)
    ]
    producers.append(BatchProducer(plan.batches, seconds=seconds, seed=seed, history=history))
    for producer in producers:
        producer.start()
    try:
        yield producers
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


def _look_until_enqueued(producers: Sequence[AnyProducer], fleet: Fleet) -> None:
    """On a slow machine much is left to enqueue, and workers end meanwhile, too."""
    pause = threading.Event()
    for producer in producers:
        producer.hurry()
    while any(producer.is_alive() for producer in producers):
        fleet.look()
        pause.wait(LOOK_SECONDS)


def _come_to_an_end(ground: Ground, fleet: Fleet) -> None:
    """Wait until no job is live; what then still is, the verdict counts as unfinished."""
    for proxy in ground.proxies:
        proxy.calm()
    connection.close()  # what was done to others was done to it
    pause = threading.Event()
    until = monotonic() + CALM_SECONDS
    while monotonic() < until and live_jobs().exists():
        fleet.look()
        pause.wait(4 * LOOK_SECONDS)


def _verdict(events: Sequence[Event]) -> Verdict:
    dead = WorkerRecord.objects.filter(state="dead").values_list("pk", flat=True)
    return judge(
        events,
        list(records()),
        dead_workers={str(one) for one in dead},
        slots=list(slots()),
        batch_ends=list(batch_ends()),
    )
