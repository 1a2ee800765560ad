"""One job queue that is compared with others: its script, its storage, and what it does there."""

import json
import math
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from .children import ROOT, Children, started
from .errors import BenchmarkFailed
from .evidence import NotExactlyOnce
from .subjects.calls import CALLS_FILE, Call, Calls, make_room

SCRIPTS = Path(__file__).resolve().parent / "subjects"
#: The longest that a worker may need to come up, or to run all jobs.
PATIENCE = 600.0
LOOK_SECONDS = 0.05
#: How often to ask whether all that was called is recorded as done.
MOST_LOOKS = 60
#: Jobs that go before those that count, from the same process to the same worker: by then both have
#: loaded, connected and prepared what they need.
WARM_UP = 5
#: What two readings of a clock may be apart at least.
SHORTEST_SECONDS = 0.000_001
#: Seconds between two jobs whose pickup is timed.
GAP = (0.02, 0.3)


class Pickups(NamedTuple):
    """Milliseconds from calls of enqueue to their handlers."""

    first: float  #: of a process that has just begun to enqueue, and connects for it
    others: list[float]  #: of those that count, after some more that do not


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A job queue in an environment of its own.

    `storage` gives the URL of a fresh, empty storage to each measurement. `tunings` are the values
    of the one setting that is tried out, which `tuned` names; a worker is idle with `idle_tuning`.
    """

    name: str
    python: Path
    script: str
    storage: Callable[[], AbstractContextManager[str]]
    tunings: Sequence[int]
    tuned: str
    idle_tuning: int
    versions: str

    @contextmanager
    def _run_with(self, numbers: int) -> Iterator["Run"]:
        with (
            self.storage() as url,
            tempfile.NamedTemporaryFile(prefix="jobqueue-slots-") as slots,
        ):
            make_room(slots.name, numbers=numbers)
            calls = Calls(slots.name)
            try:
                yield Run(self, url=url, slots=slots.name, calls=calls)
            finally:
                calls.close()

    def drain(self, jobs: int, *, tuning: int, processes: int = 1) -> float:
        """Return the jobs per second of so many workers that find a backlog."""
        with self._run_with(jobs) as run:
            run.ask("enqueue-many", "0", str(jobs))
            settle_storage(run.url)
            with run.workers(tuning, count=processes) as workers:
                run.wait_for_calls(workers)
                run.wait_until_recorded(workers)
            return rate_of(run.calls_each_once())

    def enqueue(self, jobs: int) -> float:
        """Return how many jobs are stored per second one at a time, each committed."""
        with self._run_with(WARM_UP + jobs) as run:
            told = run.ask("enqueue-each", "0", str(WARM_UP + jobs), "0", "0")
            return jobs / math.fsum(told["seconds"][WARM_UP:])

    def enqueue_many(self, jobs: int) -> float:
        """Return how many jobs are stored per second in the fastest way that is documented."""
        with self._run_with(jobs) as run:
            [seconds] = run.ask("enqueue-many", "0", str(jobs))["seconds"]
            return jobs / float(seconds)

    def latency(self, jobs: int) -> Pickups:
        """Return how long so many jobs wait for their handlers, worker idle.

        From the call: some begin before the answer to their commit has arrived.
        """
        of_worker, enqueued = WARM_UP, WARM_UP + jobs
        with (
            self._run_with(of_worker + enqueued) as run,
            run.workers(self.idle_tuning, count=1) as workers,
        ):
            run.ask("enqueue-many", "0", str(of_worker))
            run.wait_for_calls(workers, numbers=of_worker)
            told = run.ask("enqueue-each", str(of_worker), str(enqueued), *map(str, GAP))
            run.wait_for_calls(workers)
            run.wait_until_recorded(workers)
            calls = run.calls_each_once()[of_worker:]
            called: list[float] = told["moments"]
            milliseconds = [
                1000 * (call.moment - moment) for call, moment in zip(calls, called, strict=True)
            ]
            return Pickups(first=milliseconds[0], others=milliseconds[WARM_UP:])


def settle_storage(url: str) -> None:
    """Let PostgreSQL count what it holds, as autovacuum does where there is more time."""
    if url.startswith("postgres"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


class Run:
    """One measurement of a subject, with a storage of its own and a slot for each call."""

    def __init__(self, subject: Subject, *, url: str, slots: str, calls: Calls) -> None:
        self.url, self._calls = url, calls
        self._command = (str(subject.python), str(SCRIPTS / f"{subject.script}.py"))
        self._environment = {"SUBJECT_URL": url, CALLS_FILE: slots}
        self.ask("install")

    def ask(self, *arguments: str) -> Any:
        """Run the script with these; return what it printed."""
        done = subprocess.run(
            [*self._command, *arguments],
            env={**os.environ, **self._environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        if done.returncode:
            raise BenchmarkFailed(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None

    def workers(self, tuning: int, *, count: int) -> AbstractContextManager[Children]:
        command = (*self._command, "work", str(tuning))
        return started(command, count=count, environment=self._environment)

    def wait_for_calls(self, workers: Children, *, numbers: int | None = None) -> None:
        """Return once each of the first `numbers`, or of all, was called."""
        for _ in range(int(PATIENCE / LOOK_SECONDS)):
            if all(call.times for call in self._calls.all()[:numbers]):
                return
            workers.pause(LOOK_SECONDS)
        raise BenchmarkFailed(f"not every job was called within {PATIENCE:.0f} s")

    def wait_until_recorded(self, workers: Children) -> None:
        """Return once the storage says that all are done."""
        for _ in range(MOST_LOOKS):
            if not (left := self.ask("left")):
                return
            workers.pause(LOOK_SECONDS)
        raise NotExactlyOnce(f"{left:,} jobs were called and are not recorded as done")

    def calls_each_once(self) -> list[Call]:
        """Return all calls; NotExactlyOnce if a number has none, or several."""
        calls = self._calls.all()
        if wrong := Counter(call.times for call in calls if call.times != 1):
            raise NotExactlyOnce(f"calls of a job: {dict(wrong)} (times: jobs)")
        return calls


def rate_of(calls: Sequence[Call]) -> float:
    """Return the calls per second from when every process that took part had begun.

    A process that comes up late would count as idle otherwise; where that leaves less than half of
    the time, all of it counts.
    """
    moments = sorted(call.moment for call in calls)
    firsts: dict[int, float] = {}
    for call in calls:
        firsts[call.process] = min(call.moment, firsts.get(call.process, call.moment))
    began, ended = max(firsts.values()), moments[-1]
    if ended - began < (ended - moments[0]) / 2:
        began = moments[0]
    counted = sum(moment > began for moment in moments)
    return counted / max(ended - began, SHORTEST_SECONDS)
