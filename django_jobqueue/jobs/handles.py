"""The handle to one job: look it up wherever it now lives, wait for it, cancel it."""

import asyncio
from collections.abc import Iterator
from threading import Event

from asgiref.sync import sync_to_async
from django.db import transaction

from django_jobqueue.core.clock import Seconds, monotonic, seconds_of
from django_jobqueue.core.errors import JobNotFinished, JobNotFound
from django_jobqueue.core.specs import AttemptSnapshot, Cancelled, JobSnapshot
from django_jobqueue.core.states import JobState

from .control import cancel
from .site import site_store

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.25


class JobHandle:
    """A job by its id; equal to every other handle of that job.

    What it tells is a snapshot, taken when first asked for and kept until `refresh()`. `created` is
    False where a live job held the unique key of the enqueue; the handle is that job's then.
    JobNotFound where no table has the job.
    """

    __slots__ = ("_attempts", "_snapshot", "created", "id")

    def __init__(self, id: int, *, created: bool = True) -> None:
        self.id = id
        self.created = created
        self._snapshot: JobSnapshot | None = None
        self._attempts: list[AttemptSnapshot] | None = None

    @classmethod
    def get(cls, id: int) -> "JobHandle":
        """Return the handle of a job that exists; JobNotFound otherwise."""
        return cls(id).refresh()

    @classmethod
    async def aget(cls, id: int) -> "JobHandle":
        """As `get`."""
        return await sync_to_async(cls.get, thread_sensitive=True)(id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobHandle) and self.id == other.id

    def __hash__(self) -> int:
        return hash((JobHandle, self.id))

    def __repr__(self) -> str:
        return f"JobHandle({self.id})"

    @property
    def snapshot(self) -> JobSnapshot:
        """The whole record."""
        if self._snapshot is None:
            self.refresh()
        assert self._snapshot is not None
        return self._snapshot

    @property
    def state(self) -> JobState:
        return self.snapshot.state

    @property
    def is_finished(self) -> bool:
        """Whether the job succeeded, was cancelled or is dead."""
        return self.state.is_final

    @property
    def result(self) -> object:
        """What the handler returned; JobNotFinished while the job lives."""
        if not self.is_finished:
            raise JobNotFinished(self.id, self.state)
        return self.snapshot.result

    @property
    def error(self) -> dict[str, object] | None:
        """The last failure: `type`, `message`, and the `fields` of a dataclass exception."""
        error = self.snapshot.error
        return None if error is None else dict(error)

    @property
    def attempts(self) -> list[AttemptSnapshot]:
        """The kept runs, oldest first: those that did not simply succeed."""
        if self._attempts is None:
            self._attempts = site_store().attempts_of(self.id)
        return self._attempts

    def refresh(self) -> "JobHandle":
        """Take a new snapshot, and return this handle."""
        snapshot = site_store().find(self.id)
        if snapshot is None:
            raise JobNotFound(self.id)
        self._snapshot, self._attempts = snapshot, None
        return self

    async def arefresh(self) -> "JobHandle":
        """As `refresh`."""
        return await sync_to_async(self.refresh, thread_sensitive=True)()

    def cancel(self, reason: str = "") -> Cancelled:
        """Cancel the job if it waits, ask it to stop if it runs; a final job is left as it is."""
        return cancel(self.id, reason=reason)

    async def acancel(self, reason: str = "") -> Cancelled:
        """As `cancel`."""
        return await sync_to_async(self.cancel, thread_sensitive=True)(reason=reason)

    def wait(self, timeout: Seconds | None = None) -> JobSnapshot:
        """Return the record once the job is final, whatever became of it.

        TimeoutError after `timeout` seconds, 0 for a single look; None waits for ever. Inside a
        transaction a live job raises TransactionManagementError at once: nothing that happens to it
        would be seen before the transaction ends, and no worker sees a job that it enqueued.
        """
        pauses = _pauses(self, timeout)
        for pause in pauses:
            # An event that nobody sets: the banned time.sleep() in a form freezegun leaves alone.
            Event().wait(pause)
        return self.snapshot

    async def finished(self, timeout: Seconds | None = None) -> JobSnapshot:
        """As `wait`, to be awaited; with Django's prefix for such twins it would be `await`."""
        pauses = _pauses(self, timeout)
        look = sync_to_async(_next, thread_sensitive=True)
        while (pause := await look(pauses)) is not None:
            await asyncio.sleep(pause)
        return self.snapshot


def _pauses(handle: JobHandle, timeout: Seconds | None) -> Iterator[float]:
    """Look at the job before each pause and stop when it is final; every step uses the database."""
    deadline = None if timeout is None else monotonic() + seconds_of(timeout)
    pause = FIRST_PAUSE
    while not handle.refresh().is_finished:
        _refuse_transaction(handle.id)
        left = LONGEST_PAUSE if deadline is None else deadline - monotonic()
        if left <= 0:
            raise TimeoutError(f"job {handle.id} is still {handle.state} after {timeout}")
        yield min(pause, left)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _next(pauses: Iterator[float]) -> float | None:
    return next(pauses, None)


def _refuse_transaction(job_id: int) -> None:
    if transaction.get_connection(site_store().using).in_atomic_block:
        raise transaction.TransactionManagementError(
            f"waiting for job {job_id} inside a transaction would last for ever: workers see a job "
            "once its transaction has committed. Wait after the atomic() block."
        )
