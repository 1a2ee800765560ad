"""What a running handler can learn about its job, and say about it."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any

import msgspec
from asgiref.sync import sync_to_async

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.error_text import storable_text
from django_jobqueue.core.errors import JobCancelled, LeaseLost
from django_jobqueue.core.payloads import dump_payload
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.events import EventBus
from django_jobqueue.events import events as events_of_process
from django_jobqueue.memory.line import Line
from django_jobqueue.store import JobStore

from .lines import cluster_line

if TYPE_CHECKING:
    from .batches import BatchHandle
    from .handles import JobHandle

PROGRESS_INTERVAL = 0.5
MESSAGE_LENGTH = 1_000
LOG_LINES = 1_000
LOG_CHARACTERS = 65_536


class JobContext:
    """The running job, handed to a handler's parameter that is annotated JobContext.

    Its methods may be called from the handler's threads. `progress`, `checkpoint` and `enqueue`
    use the database; a coroutine awaits their twins `aprogress`, `acheckpoint` and `aenqueue`.
    """

    __slots__ = (
        "_cancelled",
        "_checkpoints",
        "_clock",
        "_dropped_lines",
        "_events",
        "_lease_in_doubt",
        "_lease_lost",
        "_lines",
        "_log_room",
        "_next_write",
        "_store",
        "_unwritten",
        "attempted_at",
        "job",
        "kept",
    )

    def __init__(
        self,
        job: ClaimedJob,
        *,
        attempted_at: datetime | None = None,
        store: JobStore,
        cancelled: Event,
        lease_lost: Event,
        lease_in_doubt: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = monotonic,
        events: EventBus = events_of_process,
    ) -> None:
        self.job: ClaimedJob = job
        #: When the handler began, by the database's clock.
        self.attempted_at: datetime | None = attempted_at
        self.kept: object = None  #: what who calls the handler keeps until the outcome is written
        self._store = store
        self._cancelled = cancelled
        self._lease_lost = lease_lost
        self._lease_in_doubt = lease_in_doubt
        self._clock = clock
        self._events = events
        self._checkpoints: Mapping[str, object] | None = None
        self._unwritten: str | None = None
        self._next_write = -math.inf
        self._lines: list[str] | None = None
        self._log_room = LOG_CHARACTERS
        self._dropped_lines = 0

    @property
    def attempt(self) -> int:
        """Which run this is, from 1."""
        return self.job.attempt

    @property
    def batch(self) -> "BatchHandle | None":
        """The batch that the job belongs to, to which it may add others."""
        from .batches import BatchHandle  # late: it knows handlers, and they know this class

        return None if self.job.batch_id is None else BatchHandle(self.job.batch_id)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for this job to be cancelled."""
        return self._cancelled.is_set()

    @property
    def lease_lost(self) -> bool:
        """Whether another worker may already run the job.

        Either the claim is gone for good, or the worker could not renew its lease for so long that
        it may be gone soon. The latter passes when the database answers in time after all: a run
        that went on meanwhile still counts.
        """
        return self._lease_lost.is_set() or self._lease_in_doubt()

    def check(self) -> None:
        """Raise LeaseLost or JobCancelled if this run should end; a loop calls it once a round."""
        if self.lease_lost:
            raise LeaseLost(self.job.id)
        if self.cancelled:
            raise JobCancelled

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Tell how far the job is.

        Written at most every half a second, and the last word when the run ends, so a handler may
        call it in its innermost loop. ValueError for numbers that are not finite.
        """
        if not math.isfinite(done) or not (total is None or math.isfinite(total)):
            raise ValueError(f"progress({done!r}, {total!r}): these must be finite numbers")
        told = {"done": done, "total": total, "message": storable_text(message, MESSAGE_LENGTH)}
        self._unwritten = msgspec.json.encode(told).decode()
        if self._clock() >= self._next_write:
            self.flush_progress()

    def flush_progress(self) -> None:
        """Write the progress that was told last, unless it was written already.

        A failure to write is an event and nothing more: progress is no reason to fail a job.
        """
        unwritten, self._unwritten = self._unwritten, None
        if unwritten is None:
            return
        self._next_write = self._clock() + PROGRESS_INTERVAL
        try:
            held = self._store.save_progress(self.job.id, self.job.claim_token, progress=unwritten)
        except Exception as error:
            self._events.emit("job.progress_lost", job=self.job, error=error)
        else:
            if not held:
                self._lease_lost.set()

    def log(self, message: object) -> None:
        """Keep a line with this attempt: at most 1,000 lines and 64 KiB, then they are counted."""
        line = storable_text(message, LOG_CHARACTERS)
        if self._lines is None:
            self._lines = []
        if len(self._lines) >= LOG_LINES or len(line) > self._log_room:
            self._dropped_lines += 1
            self._log_room = 0
            return
        self._log_room -= len(line)
        self._lines.append(line)
        self._line_was_kept(line)

    def _line_was_kept(self, line: str) -> None:
        """For a context whose worker is in another process."""

    @property
    def log_lines(self) -> list[str]:
        """What was logged; a last line tells how many were not kept."""
        kept = list(self._lines or ())
        if self._dropped_lines:
            kept.append(f"… and {self._dropped_lines:,} more lines, which were not kept")
        return kept

    @property
    def checkpoints(self) -> Mapping[str, object]:
        """What this job has saved under each name, in this attempt and in earlier ones."""
        if self._checkpoints is None:
            self._checkpoints = msgspec.json.decode(
                self.job.checkpoints or "{}", type=dict[str, object]
            )
        return self._checkpoints

    def checkpoint(self, name: str, value: object = True) -> None:
        """Save `value` under `name` at once; every later attempt finds it in `checkpoints`.

        LeaseLost if the claim no longer holds; PayloadError for a value that is no plain JSON.
        """
        saved = {**self.checkpoints, name: value}
        text = dump_payload(saved)
        if not self._store.save_progress(self.job.id, self.job.claim_token, checkpoints=text):
            self._lease_lost.set()
            raise LeaseLost(self.job.id)
        self._checkpoints = msgspec.json.decode(text)

    def line(self, name: str) -> Line:
        """Return the line of that name which all workers share, as `Line(name, scope="cluster")`.

        A handler takes its token with `try_acquire_token()`, a coroutine awaits
        `atry_acquire_token()`.
        """
        return cluster_line(name)

    def enqueue(self, handler: Any, *args: object, **kwargs: object) -> "JobHandle":
        """Enqueue another job, as `handler.enqueue(…)`; `handler` may be a registered name."""
        from .enqueueing import enqueuer_of  # late: it knows handlers, and they know this class

        return enqueuer_of(handler).enqueue(*args, **kwargs)

    async def aprogress(self, done: float, total: float | None = None, message: str = "") -> None:
        """As `progress`."""
        await sync_to_async(self.progress, thread_sensitive=True)(done, total, message)

    async def acheckpoint(self, name: str, value: object = True) -> None:
        """As `checkpoint`."""
        await sync_to_async(self.checkpoint, thread_sensitive=True)(name, value)

    async def aenqueue(self, handler: Any, *args: object, **kwargs: object) -> "JobHandle":
        """As `enqueue`."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)(handler, *args, **kwargs)
