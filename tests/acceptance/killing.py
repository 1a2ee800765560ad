"""Killing children of a worker that has enough to do, or all of it, and watching what they ran."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.worker.quarantine import QUARANTINE

from .jobs import timed
from .processes import PATIENCE, Deployment, Process, within


class Loss(NamedTuple):
    """One job that ran in a process that was killed; seconds since the kill."""

    ready_after: float
    started_after: float


class ChildKilling:
    """A worker under work, whose children are killed one by one."""

    #: Nothing may wait for a lease to run out.
    settings: Mapping[str, float] = {"LEASE": 600, "HEARTBEAT_INTERVAL": 1, "DRAIN": 1}
    kills_all_children = False

    def __init__(
        self, url: str, folder: Path, *, processes: int, concurrency: int, job_seconds: float
    ) -> None:
        self._deployment = Deployment(url=url, folder=folder)
        self._options = ("--processes", str(processes), "--concurrency", str(concurrency))
        self._slots, self._concurrency = processes * concurrency, concurrency
        self._job_seconds, self._numbers = job_seconds, count()
        self._killed: set[int] = set()
        self._victims = processes if self.kills_all_children else 1

    @contextmanager
    def working(self) -> Iterator[None]:
        self._worker = self._start()
        try:
            yield
        finally:
            for worker in self._deployment.processes:
                if not worker.has_ended:
                    worker.send(signal.SIGTERM)
                    worker.status()

    def _start(self) -> Process:
        return self._deployment.worker(*self._options, **self.settings)

    def kill_one(self) -> list[Loss]:
        """Kill what is to be killed once all of its slots are busy; return what became of its jobs
        once all of them run again.
        """
        victims = self._busy_victims()
        # Still, so that what runs when they are killed is what was running now.
        for victim in victims:
            os.kill(victim.pid, signal.SIGSTOP)
        running = Job.objects.filter(state="running", worker_id__in=[one.pk for one in victims])
        lost = {row.pk: row.payload["kwargs"]["number"] for row in running}
        started = self._starts()
        lost = {pk: number for pk, number in lost.items() if number in started}
        self._kill(victims)
        at = monotonic()
        ready = self._ready_again(victims, set(lost), at=at)
        assert within(PATIENCE, lambda: all(self._runs_since(at, one) for one in lost.values())), (
            self._worker.output
        )
        starts = self._starts()
        return [Loss(ready[pk], starts[number] - at) for pk, number in lost.items()]

    def _kill(self, victims: Sequence[WorkerRecord]) -> None:
        for victim in victims:
            os.kill(victim.pid, signal.SIGKILL)
            self._killed.add(victim.pid)

    def _ready_again(
        self, victims: Sequence[WorkerRecord], lost: set[int], *, at: float
    ) -> dict[int, float]:
        ready: dict[int, float] = {}
        theirs = Job.objects.filter(state="running", worker_id__in=[one.pk for one in victims])

        def look() -> bool:
            held = set(theirs.values_list("pk", flat=True))
            for pk in lost - held - ready.keys():
                ready[pk] = monotonic() - at
            return len(ready) == len(lost)

        assert within(PATIENCE, look), self._worker.output
        return ready

    def _runs_since(self, at: float, number: int) -> bool:
        return self._starts()[number] > at

    def _busy_victims(self) -> Sequence[WorkerRecord]:
        found: list[WorkerRecord] = []

        def look() -> bool:
            self._feed()
            alive = WorkerRecord.objects.filter(state="alive", pid__in=self._ordinary_children())
            found[:] = [worker for worker in alive if self._is_busy(worker)]
            return len(found) >= self._victims

        assert within(2 * PATIENCE, look), self._worker.output
        return found[: self._victims]

    def _is_busy(self, worker: WorkerRecord) -> bool:
        running = Job.objects.filter(state="running", worker_id=worker.pk)
        numbers = {row.payload["kwargs"]["number"] for row in running}
        return len(self._starts().keys() & numbers) >= self._concurrency

    def _feed(self) -> None:
        short_of = 2 * self._slots - Job.objects.filter(state="ready", rescues=0).count()
        if short_of > 0:
            numbers = [next(self._numbers) for _ in range(short_of)]
            timed.enqueue_many(
                [{"number": number, "seconds": self._job_seconds} for number in numbers]
            )

    def _ordinary_children(self) -> set[int]:
        return {
            pid for name, pid in self._worker.named_children if not name.startswith(QUARANTINE)
        } - self._killed

    def _starts(self) -> dict[int, float]:
        """When each job was last started."""
        starts: dict[int, float] = {}
        for line in self._deployment.journal:
            with suppress(ValueError):
                word, number, moment = line.split()
                if word == "timed":
                    starts[int(number)] = float(moment)
        return starts


class TreeKilling(ChildKilling):
    """Two workers under work, of which one is killed with its supervisor and all of its children;
    another is started in its place.
    """

    #: What they ran waits for their lease, and for the other worker to look.
    settings: Mapping[str, float] = {
        "LEASE": 6,
        "HEARTBEAT_INTERVAL": 1,
        "REAP_INTERVAL": 1,
        "DRAIN": 1,
    }

    kills_all_children = True

    @contextmanager
    def working(self) -> Iterator[None]:
        with super().working():
            self._other = self._start()
            self._slots *= 2
            yield

    def _kill(self, victims: Sequence[WorkerRecord]) -> None:
        self._worker.kill_with_children()
        self._worker, self._other = self._other, self._start()
