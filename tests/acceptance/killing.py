"""Killing children of a worker that has enough to do, and watching what they ran."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import Job, WorkerRecord
from django_jobqueue.worker.quarantine import QUARANTINE

from .jobs import timed
from .processes import PATIENCE, Deployment, Process, within

#: Nothing may wait for a lease to run out.
SETTINGS = {"LEASE": 600, "HEARTBEAT_INTERVAL": 1, "DRAIN": 1}


class Loss(NamedTuple):
    """One job that ran in a process that was killed; seconds since the kill."""

    ready_after: float
    started_after: float


class Killing:
    """A worker under work, whose children are killed one by one."""

    def __init__(
        self, url: str, folder: Path, *, processes: int, concurrency: int, job_seconds: float
    ) -> None:
        self._deployment = Deployment(url=url, folder=folder)
        self._options = ("--processes", str(processes), "--concurrency", str(concurrency))
        self._slots, self._concurrency = processes * concurrency, concurrency
        self._job_seconds, self._numbers = job_seconds, count()
        self._killed: set[int] = set()

    @contextmanager
    def working(self) -> Iterator[None]:
        worker = self._deployment.worker(*self._options, **SETTINGS)
        self._worker: Process = worker
        try:
            yield
        finally:
            worker.send(signal.SIGTERM)
            worker.status()

    def kill_one(self) -> list[Loss]:
        """Kill a child all of whose slots are busy; return what became of its jobs once all of them
        run again.
        """
        victim = self._busy_child()
        # Still, so that what runs when it is killed is what was running now.
        os.kill(victim.pid, signal.SIGSTOP)
        running = Job.objects.filter(state="running", worker_id=victim.pk)
        lost = {row.pk: row.payload["kwargs"]["number"] for row in running}
        started = self._starts()
        lost = {pk: number for pk, number in lost.items() if number in started}
        os.kill(victim.pid, signal.SIGKILL)
        self._killed.add(victim.pid)
        at = monotonic()
        ready = self._ready_again(victim, set(lost), at=at)
        assert within(PATIENCE, lambda: all(self._runs_since(at, one) for one in lost.values())), (
            self._worker.output
        )
        starts = self._starts()
        return [Loss(ready[pk], starts[number] - at) for pk, number in lost.items()]

    def _ready_again(self, victim: WorkerRecord, lost: set[int], *, at: float) -> dict[int, float]:
        ready: dict[int, float] = {}

        def look() -> bool:
            held = set(
                Job.objects.filter(state="running", worker_id=victim.pk).values_list(
                    "pk", flat=True
                )
            )
            for pk in lost - held - ready.keys():
                ready[pk] = monotonic() - at
            return len(ready) == len(lost)

        assert within(PATIENCE, look), self._worker.output
        return ready

    def _runs_since(self, at: float, number: int) -> bool:
        return self._starts()[number] > at

    def _busy_child(self) -> WorkerRecord:
        found: list[WorkerRecord] = []

        def look() -> bool:
            self._feed()
            alive = WorkerRecord.objects.filter(state="alive", pid__in=self._ordinary_children())
            for worker in alive:
                running = Job.objects.filter(state="running", worker_id=worker.pk)
                numbers = [row.payload["kwargs"]["number"] for row in running]
                if len(self._starts().keys() & set(numbers)) >= self._concurrency:
                    found.append(worker)
                    return True
            return False

        assert within(2 * PATIENCE, look), self._worker.output
        return found[0]

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
