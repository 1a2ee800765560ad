"""Jobs that belong together: batches, and the jobs that are enqueued at their end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async

from django_jobqueue import conf
from django_jobqueue.core.batch_errors import BatchNotFound
from django_jobqueue.core.batches import BatchSnapshot, NewBatch
from django_jobqueue.core.payloads import dump_payload
from django_jobqueue.core.specs import Cancelled, Inserted, NewJob
from django_jobqueue.core.states import JobState
from django_jobqueue.events import events

from .announcing import announce
from .calls import JobCall
from .composition import Chain
from .control import Requeued, cancel, requeue
from .handles import JobHandle
from .marking import marked
from .site import site_store

#: What can belong to a batch: a call, or a chain of them.
Member = JobCall | Chain


class BatchHandle:
    """A batch by its id; equal to every other handle of that batch."""

    __slots__ = ("id",)

    def __init__(self, id: int) -> None:
        self.id: int = id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BatchHandle) and self.id == other.id

    def __hash__(self) -> int:
        return hash((BatchHandle, self.id))

    def __repr__(self) -> str:
        return f"BatchHandle({self.id})"

    @property
    def snapshot(self) -> BatchSnapshot:
        """The batch and the numbers of its members, as they are now; BatchNotFound if its time is
        over.
        """
        found = site_store().find_batch(self.id)
        if found is None:
            raise BatchNotFound(self.id)
        return found

    async def asnapshot(self) -> BatchSnapshot:
        """As `snapshot`."""
        return await sync_to_async(lambda: self.snapshot, thread_sensitive=True)()

    def add(self, members: Iterable[Member]) -> list[JobHandle]:
        """Enqueue more members in the caller's transaction, until whose end the batch does not
        finish; return their handles in order.

        BatchFinished if it has. While a member runs it has not, so members can always add others.
        """
        with events.span("jobs.enqueue", jobs=_flat(groups := _links_of(members))) as facts:
            groups = [marked(group, facts) for group in groups]
            answers = site_store().insert_members(self.id, groups)
            facts["answers"] = _flat(answers)
        return _announced(groups, answers)

    async def aadd(self, members: Iterable[Member]) -> list[JobHandle]:
        """As `add`."""
        return await sync_to_async(self.add, thread_sensitive=True)(members)

    def cancel(self, reason: str = "") -> Cancelled:
        """Cancel the members that wait, and ask those that run to stop; then the batch finishes."""
        return cancel(batch=self, reason=reason)

    async def acancel(self, reason: str = "") -> Cancelled:
        """As `cancel`."""
        return await sync_to_async(self.cancel, thread_sensitive=True)(reason=reason)

    def requeue(self) -> Requeued:
        """Bring the dead and the cancelled members back to life; a batch that had finished is open
        again, and what it has enqueued at its end is not enqueued a second time.
        """
        dead, gone = requeue(batch=self), requeue(batch=self, state=JobState.CANCELLED)
        return Requeued(ids=dead.ids + gone.ids, refused=dead.refused + gone.refused)

    async def arequeue(self) -> Requeued:
        """As `requeue`."""
        return await sync_to_async(self.requeue, thread_sensitive=True)()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Jobs that belong together, and what is enqueued once, when none of them lives any more.

    `on_finish` whatever became of them; `on_success` if all have succeeded, perhaps only after some
    were requeued; `on_failure` if one is dead or was cancelled. `using(result_as="batch_id")` gives
    such a job the id of the batch as that argument. A `parent` finishes after this one, and these
    jobs belong to it.

        Batch(on_finish=report.s()).enqueue(fetch.s(url) for url in urls)
    """

    on_success: JobCall | None = None
    on_failure: JobCall | None = None
    on_finish: JobCall | None = None
    meta: Mapping[str, object] | None = None
    parent: BatchHandle | None = None

    def enqueue(self, members: Iterable[Member] = ()) -> BatchHandle:
        """Store the batch and its members in the caller's transaction; return its handle.

        Without members it has finished at once, and successfully. PayloadError for a `meta` that
        cannot be stored; BatchFinished if the parent has.
        """
        jobs = {
            name: call.job
            for name in ("on_success", "on_failure", "on_finish")
            if (call := getattr(self, name)) is not None
        }
        parent_id = None if self.parent is None else self.parent.id
        meta, groups = dump_payload(dict(self.meta or {})), _links_of(members)
        with events.span("jobs.enqueue", jobs=[*_flat(groups), *jobs.values()]) as facts:
            jobs = dict(zip(jobs, marked(tuple(jobs.values()), facts), strict=True))
            groups = [marked(group, facts) for group in groups]
            new = NewBatch(meta=meta, parent_id=parent_id, **jobs)
            batch_id, answers = site_store().insert_batch(new, groups)
            facts["answers"] = _flat(answers)
        _announced(groups, answers)
        return BatchHandle(batch_id)

    async def aenqueue(self, members: Iterable[Member] = ()) -> BatchHandle:
        """As `enqueue`."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)(members)


def _links_of(members: Iterable[Member]) -> Sequence[Sequence[NewJob]]:
    groups = [one.links() if isinstance(one, Chain) else [_job_of(one)] for one in members]
    for group in groups:
        if group[0].result_as is not None:
            raise TypeError("a member that waits for none has no result to take: make it a chain")
    return groups


def _job_of(member: object) -> NewJob:
    if not isinstance(member, JobCall):
        raise TypeError(f"a member is a call such as send.s(user_id=1), or a chain, not {member!r}")
    return member.job


def _announced(
    groups: Sequence[Sequence[NewJob]], answers: list[list[Inserted]]
) -> list[JobHandle]:
    """The first of each group is for workers now; the others wait for it."""
    first = [group[0] for group in groups], [answer[0] for answer in answers]
    settings, store = conf.current(), site_store()
    announce(*first, settings=settings, store=store)
    announce(_rest(groups), _rest(answers), settings=settings, store=store, waking=0)
    return [JobHandle(one.id, created=one.created) for one in _flat(answers)]


def _flat(groups: Sequence[Sequence[Any]]) -> list[Any]:
    return [one for group in groups for one in group]


def _rest(groups: Sequence[Sequence[Any]]) -> list[Any]:
    return [one for group in groups for one in group[1:]]
