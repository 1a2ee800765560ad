"""Who acts, and the record of what was done."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from django_jobqueue.core.audit import CODE, JOBS_NAMED, Action, Actor, NewAudit
from django_jobqueue.core.specs import JobFilter
from django_jobqueue.store import JobStore

from . import option_values as values

_acting: ContextVar[Actor] = ContextVar("django_jobqueue_actor", default=CODE)


@contextmanager
def acting_as(name: str, *, why: str = "") -> Iterator[None]:
    """Let the audit record say who acts within the block, and why.

        with acting_as("ada", why="the relay is down"):
            Queue("mail").pause()

    It holds for this thread or this task, and for what it calls with `sync_to_async`; another block
    within it holds in its place. What is done outside any block is recorded as done by "code".
    """
    token = _acting.set(Actor(values.label("name", name), why))
    try:
        yield
    finally:
        _acting.reset(token)


def actor(*, reason: str = "") -> Actor:
    """Return who acts now; the `reason` given for the action stands in for a why."""
    acting = _acting.get()
    return acting if acting.why or not reason else Actor(acting.name, reason)


def somebody_acts() -> bool:
    """Whether anybody said who acts now."""
    return _acting.get() is not CODE


def audit(store: JobStore, action: Action, *, reason: str = "", **facts: Any) -> None:
    """Write down what was done to one thing, in the transaction in which it was done.

    `facts` are fields of NewAudit.
    """
    store.audit(NewAudit(action=action, actor=actor(reason=reason), **facts))


class AuditedJobs:
    """Writes down one action on many jobs: noted batch by batch, each in the transaction of its
    batch, it has one record. Where nothing was changed it has none.
    """

    def __init__(
        self,
        store: JobStore,
        action: Action,
        wanted: JobFilter,
        *,
        reason: str = "",
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        asked: Mapping[str, object] | None = None,
    ) -> None:
        ids = wanted.ids or ()
        self._store = store
        self._new = NewAudit(
            action=action,
            actor=actor(reason=reason),
            subject=str(ids[0]) if len(ids) == 1 else "",
            queue=wanted.queue,
            asked={**_criteria(wanted), **_given(asked or {})},
            before=before,
            after=after,
        )
        self._audit_id: int | None = None
        self._count, self._job_ids = 0, list[int]()

    def __call__(self, job_ids: Sequence[int]) -> None:
        self._count += len(job_ids)
        self._job_ids += job_ids[: JOBS_NAMED - len(self._job_ids)]
        if self._audit_id is not None:
            self._store.audit_more(self._audit_id, count=self._count, job_ids=self._job_ids)
            return
        new = msgspec.structs.replace(self._new, count=self._count, job_ids=tuple(self._job_ids))
        self._audit_id = self._store.audit(new)


def _criteria(wanted: JobFilter) -> Mapping[str, object]:
    """What the filter says; `job_ids` tells of ids."""
    return {
        name: value
        for name, value in _given(msgspec.structs.asdict(wanted)).items()
        if name != "ids"
    }


def _given(asked: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in asked.items() if value is not None}
