"""Removing jobs by hand: purging what nobody wants any more, pruning what is past its retention."""

from datetime import timedelta
from typing import Unpack

from django_jobqueue import conf
from django_jobqueue.core.audit import Action
from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.specs import JobFilter, Pruned, Purged, Retention
from django_jobqueue.core.states import JobState
from django_jobqueue.events import events
from django_jobqueue.store import RecordMarks

from . import option_values as values
from .auditing import AuditedJobs
from .control import Criteria, filter_of, tell_cancelled
from .limiting import count_of
from .site import site_store


def purge(
    *,
    state: JobState | None = None,
    older_than: Seconds | None = None,
    limit: int | None = None,
    reason: str = "",
    dry_run: bool = False,
    **criteria: Unpack[Criteria],
) -> Purged:
    """Remove archived jobs and dead letters for good, and cancel waiting jobs, the `reason` being
    kept with them; in batches, and at most `limit`. What runs goes on.

    `older_than` means final jobs that ended, and waiting ones that were enqueued, longer ago. With
    `dry_run` nothing happens: what would is counted, to 10,000 of each kind at most. ValueError
    without any criterion: it would mean every job.
    """
    wanted = filter_of("purge", (), criteria, state=_purgeable(state))
    store, age = site_store(), _span("older_than", older_than)
    asked = {"older_than": _seconds(age), "limit": limit}
    done = store.purge(
        wanted,
        older_than=age,
        limit=None if limit is None else count_of("limit", limit),
        reason=reason,
        dry_run=dry_run,
        tell=tell_cancelled if events.hears("job.cancelled_waiting") else None,
        note=AuditedJobs(store, Action.PURGE, wanted, reason=reason, asked=asked),
    )
    if not dry_run:
        events.emit("jobs.purged", purged=done, wanted=wanted, reason=reason)
    return done


def prune(
    *,
    queue: str | None = None,
    archive_retention: Seconds | None = None,
    dead_retention: Seconds | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Remove what is past its retention now, as workers do by and by; of one queue alone, if it is
    given.

    A retention that is given holds in place of what settings and queues say. With `dry_run` nothing
    is removed: what would be is counted, to 10,000 of each kind at most.
    """
    settings = conf.current()
    retention = Retention(
        archive=settings.archive_retention,
        dead=settings.dead_retention,
        audit=settings.audit_retention,
        queue=None if queue is None else values.queue_name("queue", queue),
        archive_for_all=_span("archive_retention", archive_retention),
        dead_for_all=_span("dead_retention", dead_retention),
    )
    if dry_run:
        return site_store().prune(retention, batch=COUNT_LIMIT, dry_run=True)
    pruned = _all_batches(retention, batch=settings.janitor_batch)
    events.emit("records.pruned", pruned=pruned)
    return pruned


def _all_batches(retention: Retention, *, batch: int) -> Pruned:
    store = site_store()
    asked = {
        "archive_retention": _seconds(retention.archive_for_all),
        "dead_retention": _seconds(retention.dead_for_all),
    }
    note = AuditedJobs(store, Action.PRUNE, JobFilter(queue=retention.queue), asked=asked)
    marks: RecordMarks = {}
    pruned = last = store.prune(retention, batch=batch, note=note, marks=marks)
    while last.largest >= batch:
        last = store.prune(retention, batch=batch, note=note, marks=marks)
        pruned += last
    return pruned


def _span(option: str, value: Seconds | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=values.delay(option, value))


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _purgeable(state: JobState | None) -> JobState | None:
    if state == JobState.RUNNING:
        raise InvalidOptions("state", "cannot be 'running': cancel() asks running jobs to stop")
    return state
