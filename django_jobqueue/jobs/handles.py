"""The handle to one job: look it up wherever it now lives, wait for it, cancel it."""

from typing import TypeVar
from uuid import UUID

import msgspec
from asgiref.sync import sync_to_async

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import JobNotFinished, JobNotFound, JobNotStored
from django_jobqueue.core.snapshots import AttemptSnapshot, JobSnapshot
from django_jobqueue.core.specs import Cancelled
from django_jobqueue.core.states import JobState

from .control import cancel
from .site import site_store
from .waiting import Until, go_through, next_of, rests

T = TypeVar("T")


class NoData:
    """What JSON has no form for: a Struct that holds it is neither an argument nor a result."""


_NO_DATA = NoData()


class JobHandle(msgspec.Struct, gc=False, eq=False):
    """A job by its id; equal to every other handle of that job.

    What it tells is a snapshot, taken when first asked for and kept until `refresh()`. `created` is
    False where a live job held the unique key of the enqueue; the handle is that job's then.
    JobNotFound where no table has the job.

    A job that was enqueued while the database was away may be in the spool of its host: then
    `spooled` is True, `id` is None, and everything else raises JobNotStored until the spool was
    flushed, which `refresh()` finds out. `receipt` tells which entry of the spool it is.
    """

    id: int | None
    created: bool = True
    receipt: UUID | None = None
    _position: int = 0
    _snapshot: JobSnapshot | None = None
    _attempts: list[AttemptSnapshot] | None = None
    _no_data: NoData = _NO_DATA  #: or what it knows of its job would be stored as a result

    @classmethod
    def of_spooled(cls, receipt: UUID, *, position: int = 0) -> "JobHandle":
        """Return the handle of the job at that position of a spooled enqueue."""
        return cls(None, receipt=receipt, _position=position)

    @classmethod
    def get(cls, id: int) -> "JobHandle":
        """Return the handle of a job that exists; JobNotFound otherwise."""
        return cls(id).refresh()

    @classmethod
    async def aget(cls, id: int) -> "JobHandle":
        """As `get`."""
        return await sync_to_async(cls.get, thread_sensitive=True)(id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobHandle) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash((JobHandle, self._identity))

    def __repr__(self) -> str:
        return f"JobHandle(spooled as {self.receipt})" if self.spooled else f"JobHandle({self.id})"

    @property
    def _identity(self) -> object:
        """The receipt also when the id is known: the hash of an object must not change."""
        return self.id if self.receipt is None else (self.receipt, self._position)

    @property
    def spooled(self) -> bool:
        """Whether the job was on its host's disk, and not in the database, when last looked for."""
        return self.id is None

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
            raise JobNotFinished(self._stored_id(), self.state)
        return self.snapshot.result

    def typed_result(self, kind: type[T]) -> T:
        """Return `result` as a value of this type: `report.enqueue(1).typed_result(Totals)`.

        UnexpectedResult where it is none; JobNotFinished while the job lives.
        """
        if not self.is_finished:
            raise JobNotFinished(self._stored_id(), self.state)
        return self.snapshot.typed_result(kind)

    @property
    def error(self) -> dict[str, object] | None:
        """The last failure: `type`, `message`, and the `fields` of a dataclass exception."""
        error = self.snapshot.error
        return None if error is None else dict(error)

    @property
    def attempts(self) -> list[AttemptSnapshot]:
        """The kept runs, oldest first: those that did not simply succeed."""
        if self._attempts is None:
            self._attempts = site_store().attempts_of(self._stored_id())
        return self._attempts

    def refresh(self) -> "JobHandle":
        """Take a new snapshot, and return this handle."""
        job_id = self._stored_id()
        snapshot = site_store().find(job_id)
        if snapshot is None:
            raise JobNotFound(job_id)
        self._snapshot, self._attempts = snapshot, None
        return self

    def _stored_id(self) -> int:
        """Return the id; that of a spooled job is looked up by its receipt. JobNotStored without
        one.
        """
        if self.id is None:
            assert self.receipt is not None
            self.id = _id_under(self.receipt, position=self._position)
        return self.id

    async def arefresh(self) -> "JobHandle":
        """As `refresh`."""
        return await sync_to_async(self.refresh, thread_sensitive=True)()

    def cancel(self, reason: str = "") -> Cancelled:
        """Cancel the job if it waits, ask it to stop if it runs; a final job is left as it is."""
        return cancel(self._stored_id(), reason=reason)

    async def acancel(self, reason: str = "") -> Cancelled:
        """As `cancel`."""
        return await sync_to_async(self.cancel, thread_sensitive=True)(reason=reason)

    def wait(self, timeout: Seconds | None = None, *, until: Until = "finished") -> JobSnapshot:
        """Return the record once the job is final, whatever became of it; with `until="attempted"`
        once its first attempt is over, even if it will be tried again.

        TimeoutError after `timeout` seconds, 0 for a single look; None waits for ever. JobNotFound
        where the record is gone, as is that of a success with `keep=False`. Inside a transaction a
        live job raises TransactionManagementError at once: nothing that happens to it would be seen
        before the transaction ends, and no worker sees a job that it enqueued.
        """
        go_through(rests(self, timeout=timeout, until=until))
        return self.snapshot

    async def finished(
        self, timeout: Seconds | None = None, *, until: Until = "finished"
    ) -> JobSnapshot:
        """As `wait`, to be awaited; with Django's prefix for such twins it would be `await`."""
        steps = rests(self, timeout=timeout, until=until)
        look = sync_to_async(next_of, thread_sensitive=True)
        while (each := await look(steps)) is not None:
            await each.arest()
        return self.snapshot


def _id_under(receipt: UUID, *, position: int) -> int:
    ids = site_store().jobs_of_receipt(receipt)
    if ids is None:
        raise JobNotStored(
            receipt,
            "it is in the spool of the host that enqueued it until its next enqueue, its worker, "
            "or `manage.py jobqueue flush-spool` there has flushed it",
        )
    if position >= len(ids):
        raise JobNotStored(
            receipt, "a unique key was taken when it was flushed, and on_conflict was 'raise'"
        )
    return ids[position]
