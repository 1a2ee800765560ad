"""run_jobs: what a worker would do by now, in the thread and the transaction of a test."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from threading import local
from typing import Protocol, TypedDict, Unpack

from asgiref.sync import sync_to_async

from django_jobqueue.core.clock import SystemClock

from .clock import QueueClock, innermost_clock, is_moved_by_library, moved_now
from .runs import JobRuns
from .worker import WorkerOfTest

#: So many runs in one call are no test any more, but a handler that enqueues itself for ever.
MOST_RUNS = 10_000
#: What a time read as a float may be short of.
LEAST_STEP = timedelta(milliseconds=1)


class MovableClock(Protocol):
    """What freezegun and time-machine hand out, and QueueClock."""

    def move_to(self, moment: datetime, /) -> object: ...


class RunOptions(TypedDict, total=False):
    """What run_jobs can be told."""

    queue: str | Sequence[str]
    limit: int | None
    until: datetime | timedelta | None
    clock: MovableClock | None
    concurrency: int
    raise_errors: bool


def run_jobs(
    *,
    queue: str | Sequence[str] = (),
    limit: int | None = None,
    until: datetime | timedelta | None = None,
    clock: MovableClock | None = None,
    concurrency: int = 1,
    raise_errors: bool = False,
) -> JobRuns:
    """Run what is due, and what becomes due because of it, and return the runs.

    As `manage.py runjobs --until-empty` would, with the same claims, limits, retries and
    transitions, but in this thread, on Django's own connection: inside a TestCase, everything
    happens within the transaction of the test. Handlers run one at a time; a worker with as many
    threads as `concurrency` would have claimed that many meanwhile.

    `limit` ends it after so many runs. With `until`, an aware time or a span from now, the clock is
    moved from one due time to the next up to then: hand in the `clock` that freezegun or
    time-machine gave you, or none of them, and it moves for the queue alone. With `raise_errors`,
    the first exception of a handler is raised here, once what came of the job is written.
    RuntimeError inside a handler, and after 10,000 runs without a `limit`.
    """
    queues = (queue,) if isinstance(queue, str) else tuple(queue)
    with ExitStack() as stack:
        end = None if until is None else _end_of(until)
        if end is not None and clock is None:
            clock = _own_clock(stack)
        stack.enter_context(_not_within_itself())
        worker = stack.enter_context(WorkerOfTest(queues=queues, concurrency=concurrency))
        running = _Running(worker, limit=limit, raise_errors=raise_errors)
        running.run_due()
        if end is not None and clock is not None:
            running.run_until(end, clock=clock)
        return running.runs


async def arun_jobs(**options: Unpack[RunOptions]) -> JobRuns:
    """As `run_jobs`."""
    return await sync_to_async(run_jobs, thread_sensitive=True)(**options)


class _Running:
    """One call: a worker, and what it has run."""

    def __init__(self, worker: WorkerOfTest, *, limit: int | None, raise_errors: bool) -> None:
        self._worker, self._raise_errors = worker, raise_errors
        self._most = MOST_RUNS if limit is None else limit
        self._is_limited = limit is not None
        self.runs = JobRuns()

    def run_due(self) -> None:
        """Run until nothing is due, or the limit is reached."""
        has_more = True
        while has_more:
            self._look()
            has_more = self._has_room() and (self._worker.run_next() or self._worker.is_busy)

    def run_until(self, end: datetime, *, clock: MovableClock) -> None:
        """Move the clock from one due time to the next, and run what is due there."""
        while (moment := self._next_due()) is not None and moment <= end:
            clock.move_to(moment)
            self.run_due()
            if not self._has_room():
                return
        now = moved_now()
        if now is None or now < end:  # a handler may have gone on further
            clock.move_to(end)

    def _look(self) -> None:
        written = self._worker.look()
        self.runs.extend(written)
        if self._raise_errors:
            for run in written:
                if run.error is not None:
                    raise run.error

    def _has_room(self) -> bool:
        """Whether another run is within the limit."""
        if len(self.runs) < self._most:
            return True
        if self._is_limited:
            return False
        raise RuntimeError(
            f"run_jobs() stopped after {MOST_RUNS:,} runs: does a handler enqueue itself for "
            f"ever? The last were\n{self.runs[-3:]!r}\nSay limit=… if so many are meant."
        )

    def _next_due(self) -> datetime | None:
        seconds, now = self._worker.next_due_in, moved_now()
        if seconds is None or now is None:
            return None
        try:
            return now + max(timedelta(seconds=seconds), LEAST_STEP)
        except OverflowError:
            return None


def _end_of(until: datetime | timedelta) -> datetime:
    if isinstance(until, timedelta):
        return (moved_now() or SystemClock().now()) + until
    if until.tzinfo is None:
        raise ValueError(f"until={until!r} names no moment: give it a time zone")
    return until


def _own_clock(stack: ExitStack) -> MovableClock:
    if is_moved_by_library():
        raise ValueError(
            "freezegun or time-machine holds the clock, and only it can move it: hand in what it "
            "gave you, run_jobs(until=…, clock=frozen)"
        )
    return innermost_clock() or stack.enter_context(QueueClock())


_here = local()


@contextmanager
def _not_within_itself() -> Iterator[None]:
    if getattr(_here, "is_running", False):
        raise RuntimeError("run_jobs() was called by a job that it runs")
    _here.is_running = True
    try:
        yield
    finally:
        _here.is_running = False


def is_running_here() -> bool:
    """Whether run_jobs is at work in this thread."""
    return getattr(_here, "is_running", False)
