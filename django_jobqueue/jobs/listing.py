"""What there is, for those who look: workers, limits, schedules and templates."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec

from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.limits import Limit, LimitKind, LimitName, QueueSettings
from django_jobqueue.core.schedules import ScheduleSnapshot, StoredTemplate
from django_jobqueue.core.snapshots import LimitSnapshot, WorkerSnapshot

from .health import READ_LIMIT
from .registry import registry
from .site import site_store


class SaidBy(StrEnum):
    """Where a limit comes from."""

    CODE = "code"  #: declared in this process
    OPERATOR = "operator"
    WORKER = "worker"  #: what a worker found declared, of a handler that is not declared here


class LimitNow(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that holds; `concurrency` bounds one worker process, the rest all of them."""

    kind: LimitKind
    name: str
    concurrency: int | None
    max_running: int | None
    rate: str | None
    rate_burst: int
    said_by: SaidBy


def limits_now(*, limit: int = COUNT_LIMIT) -> list[LimitNow]:
    """Return what bounds queues, handlers and concurrency keys now, in this order and by name. Of
    keys, those that a job had since anybody looked after their rows: up to `limit` of all.
    """
    store = site_store()
    with store.reading(at_most=READ_LIMIT):
        queues = store.limits_in_force().queues
        rows = {row.name: row for row in store.limits(limit=limit)}
    found = [*_of_queues(queues), *_of_handlers(rows), *_of_rows(rows)]
    return sorted(found, key=lambda one: (list(LimitKind).index(one.kind), one.name))[:limit]


def _of_queues(queues: Mapping[str, QueueSettings]) -> Iterator[LimitNow]:
    for name, said in queues.items():
        if said.concurrency is not None or said.limit.says_anything:
            limit_name = LimitName(LimitKind.QUEUE, name)
            yield _limit(limit_name, said.limit, SaidBy.OPERATOR, concurrency=said.concurrency)


def _of_handlers(rows: Mapping[LimitName, LimitSnapshot]) -> Iterator[LimitNow]:
    for handler in registry:
        said = handler.limits
        name = LimitName(LimitKind.HANDLER, said.name)
        row = rows.get(name)
        if row is not None and row.set_at is not None:
            yield _limit(name, row.limit, SaidBy.OPERATOR, concurrency=said.concurrency)
        elif said.concurrency is not None or said.limit.says_anything:
            yield _limit(name, said.limit, SaidBy.CODE, concurrency=said.concurrency)


def _of_rows(rows: Mapping[LimitName, LimitSnapshot]) -> Iterator[LimitNow]:
    """What no queue and no handler of this process tells."""
    known = {LimitName(LimitKind.HANDLER, handler.name) for handler in registry}
    for name, row in rows.items():
        if name.kind is LimitKind.QUEUE or name in known or not row.limit.says_anything:
            continue
        said_by = SaidBy.WORKER if row.set_at is None else SaidBy.OPERATOR
        yield _limit(name, row.limit, said_by)


def _limit(
    name: LimitName, limit: Limit, said_by: SaidBy, *, concurrency: int | None = None
) -> LimitNow:
    return LimitNow(
        kind=name.kind,
        name=name.name,
        concurrency=concurrency,
        said_by=said_by,
        **msgspec.structs.asdict(limit),
    )


def workers(*, living: bool = True) -> list[WorkerSnapshot]:
    """Return the workers whose lease holds, or all that still have a row, the last start first."""
    with site_store().reading(at_most=READ_LIMIT):
        return site_store().workers(living=living)


def schedules() -> list[ScheduleSnapshot]:
    """Return all schedules, by their names."""
    with site_store().reading(at_most=READ_LIMIT):
        return site_store().list_schedules()


def templates() -> list[StoredTemplate]:
    """Return all templates, by their names."""
    with site_store().reading(at_most=READ_LIMIT):
        return site_store().list_templates()
