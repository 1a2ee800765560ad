"""Waking workers for jobs that are due soon: with the insert of one, or after the commit."""

from collections.abc import Sequence

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.store import JobStore

from .wakeups import wakeups


def insert_and_wake(
    jobs: Sequence[NewJob], *, store: JobStore, settings: JobQueueSettings
) -> Inserted | None:
    """Store a job and wake the listeners of its queue in one round trip; None, and nothing is
    stored, unless it is the only one, its queue is to be woken, and the store can do that now.
    """
    # What has a spool is tried twice.
    if len(jobs) != 1 or settings.spool is not None:
        return None
    [new], debounce = jobs, settings.notify_debounce.total_seconds()
    # Of a unique key nobody knows yet whether it is taken, and a wake-up for nothing.
    if new.unique_key is not None or not _is_soon(new, settings):
        return None
    if not wakeups.has_one(new.queue, store=store, debounce=debounce):
        return None
    inserted = store.insert_and_notify(new)
    if inserted is not None:
        # Not before it is sent: another enqueue would rely on one that may never be.
        wakeups.spend(new.queue, store=store, debounce=debounce)
    return inserted


def wake_after_commit(
    jobs: Sequence[NewJob],
    answers: Sequence[Inserted],
    *,
    store: JobStore,
    settings: JobQueueSettings,
) -> None:
    """Wake workers for those of these jobs that are new, and due soon."""
    if not store.supports_notify:
        return
    queues: dict[str, None] = {}
    for new, inserted in zip(jobs, answers, strict=True):
        is_news = inserted.created or inserted.replaced
        if new.queue not in queues and is_news and _is_soon(new, settings):
            queues[new.queue] = None
    if queues:
        debounce = settings.notify_debounce.total_seconds()
        wakeups.send_after_commit(queues, store=store, debounce=debounce)


def _is_soon(new: NewJob, settings: JobQueueSettings) -> bool:
    """Whether it is due before the promoter looks again, which knows of nothing sooner. By this
    machine's clock: a wake-up too many is harmless, and one too few costs a poll.
    """
    seconds = new.delay
    if new.run_at is not None:
        seconds = (new.run_at - SystemClock().now()).total_seconds()
    return seconds <= settings.promote_interval.total_seconds()
