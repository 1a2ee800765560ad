"""What this process holds: the jobs it claimed and whose outcome is not written yet."""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import JobInterrupt
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition
from django_jobqueue.jobs.context import JobContext
from django_jobqueue.jobs.handlers import Handler

from .arming import Armed

Claim = tuple[int, UUID]


class HeldJob(msgspec.Struct, eq=False):
    """A claimed job on its way through this process, with the flags that others may raise on it.

    `handler` is None for a job that may not run, and only waits for that to be written.
    """

    job: ClaimedJob
    _handler: Handler | None
    elapsed: Callable[[], float] = monotonic
    attempted_at: datetime | None = None
    has_ended: bool = False  #: its runner is done with it
    interrupted: bool = False
    is_limited: bool = False  #: it has permits that other workers wait for
    armed: Armed | None = None  #: while its handler runs, and after
    context: JobContext | None = None  #: what its handler was given
    finishing: FinishedJob | None = None  #: what its handler's own transaction writes
    is_written: bool = False  #: that transaction was committed
    place: int = 0  #: where it is marked as started
    uses_event_loop: bool = False  #: or one of the threads
    _came_at: float = 0.0
    _began_at: float = 0.0
    _cancelled: threading.Event | None = None
    _lease_lost: threading.Event | None = None
    _interrupt: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self._came_at = self.elapsed()
        self.uses_event_loop = self._handler is not None and self._handler.uses_event_loop

    @property
    def is_runnable(self) -> bool:
        return self._handler is not None

    @property
    def handler(self) -> Handler:
        """What runs it; only runnable jobs are asked."""
        assert self._handler is not None
        return self._handler

    @property
    def cancelled(self) -> threading.Event:
        """Set when somebody asked for the job to be cancelled; made on first use."""
        if self._cancelled is None:
            self._cancelled = threading.Event()
        return self._cancelled

    @property
    def lease_lost(self) -> threading.Event:
        """Set when the claim is gone."""
        if self._lease_lost is None:
            self._lease_lost = threading.Event()
        return self._lease_lost

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled is not None and self._cancelled.is_set()

    @property
    def has_lost_lease(self) -> bool:
        return self._lease_lost is not None and self._lease_lost.is_set()

    @property
    def claim(self) -> Claim:
        return self.job.id, self.job.claim_token

    @property
    def has_started(self) -> bool:
        return self.attempted_at is not None

    @property
    def handler_has_ended(self) -> bool:
        return self.armed is not None and not self.armed.is_armed

    @property
    def interrupted_because(self) -> type[JobInterrupt] | None:
        """What was raised in its handler from outside."""
        return None if self.armed is None else self.armed.because

    @property
    def was_given_up(self) -> bool:
        """Whether its outcome was written although its handler did not end."""
        return self.armed is not None and self.armed.was_given_up

    @property
    def age_seconds(self) -> float:
        """How long ago it was claimed."""
        return self.elapsed() - self._came_at

    @property
    def log_lines(self) -> list[str]:
        """What its handler has logged so far."""
        return [] if self.context is None else self.context.log_lines

    def begin(self) -> None:
        """Its handler is called now: by the database's clock, of which the claim told the time."""
        self._began_at = self.elapsed()
        age = timedelta(0, self._began_at - self._came_at)
        self.attempted_at = self.job.claimed_at + age

    def finished(self, transition: Transition) -> FinishedJob:
        """Return what to write for it, now that its run is over."""
        if self.attempted_at is None:
            return FinishedJob(self.job, transition)
        run_seconds = self.elapsed() - self._began_at
        return FinishedJob(self.job, transition, self.attempted_at, run_seconds)

    def was_written(self) -> None:
        """The transaction of its handler, and the finish in it, are committed."""
        self.is_written = True

    def interrupt_with(self, interrupt: Callable[[], None] | None) -> None:
        """Name what to call, once, when the running handler is to be interrupted."""
        self._interrupt = interrupt

    def request_cancel(self) -> None:
        """Tell the running handler to stop: its context says so, and async code is cancelled."""
        if not self.is_cancelled:
            self.cancelled.set()
            self._call_interrupt()

    def interrupt(self) -> None:
        """The worker shuts down and will give this job back."""
        self.interrupted = True
        self._call_interrupt()

    def lose_lease(self) -> None:
        """Tell the running handler that its claim is gone."""
        if not self.lease_lost.is_set():
            self.lease_lost.set()
            self._call_interrupt()

    def _call_interrupt(self) -> None:
        if (interrupt := self._interrupt) is not None:
            interrupt()


class InHand:
    """All jobs in hand, by claim; safe to use from every thread. `cancelled` is told, once, of each
    runnable job that is to be cancelled.
    """

    def __init__(self, *, cancelled: Callable[[HeldJob], object] = lambda held: None) -> None:
        self._tell_cancelled = cancelled
        self._lock = threading.Lock()
        #: By the token that all jobs of one claim share, and then by their ids.
        self._held: dict[UUID, dict[int, HeldJob]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, jobs: Iterable[HeldJob]) -> None:
        token, beside = None, dict[int, HeldJob]()
        with self._lock:
            for held in jobs:
                if held.job.claim_token is not token:  # to compare UUIDs takes longer
                    token = held.job.claim_token
                    beside = self._held.setdefault(token, {})
                self._count += held.job.id not in beside
                beside[held.job.id] = held

    def remove(self, claims: Iterable[Claim]) -> list[HeldJob]:
        """Let go of these claims; return those that were in hand."""
        found: list[HeldJob | None] = []
        last, beside = None, dict[int, HeldJob]()
        with self._lock:
            for job_id, token in claims:
                if token is not last:
                    last, beside = token, self._held.get(token, {})
                found.append(beside.pop(job_id, None))
                if not beside:
                    self._held.pop(token, None)
            removed = [held for held in found if held is not None]
            self._count -= len(removed)
        return removed

    def all(self) -> list[HeldJob]:
        with self._lock:
            return [held for beside in self._held.values() for held in beside.values()]

    def running(self) -> list[tuple[str, str]]:
        """Return the queue and the handler's own name of each job that may yet run, or runs."""
        return [
            (held.job.queue, held.handler.name)
            for held in self.all()
            if held.is_runnable and not held.has_ended
        ]

    def freeing_queues(self) -> set[str]:
        """Return the queues of jobs whose permits others may have once their end is written."""
        return {held.job.queue for held in self.all() if held.is_limited and held.has_ended}

    def claims(self) -> list[Claim]:
        return [held.claim for held in self.all()]

    @property
    def claims_age(self) -> timedelta:
        """What is said here is true now."""
        return timedelta(0)

    def request_cancel(self, job_ids: Iterable[int]) -> None:
        if not (wanted := set(job_ids)):
            return
        for held in self.all():
            if held.job.id in wanted and not held.is_cancelled:
                held.request_cancel()
                if held.is_runnable:
                    self._tell_cancelled(held)

    def lose_leases(self) -> int:
        """Flag everything in hand as lost; return how many jobs that were."""
        held_jobs = self.all()
        for held in held_jobs:
            held.lose_lease()
        return len(held_jobs)
