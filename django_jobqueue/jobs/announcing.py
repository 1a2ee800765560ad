"""Telling of jobs that were stored: an event for each, and a wake-up after the commit."""

from collections.abc import Sequence

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.events import EventBus
from django_jobqueue.events import events as events_of_process
from django_jobqueue.store import JobStore

from .wakeups import wakeups


def announce(
    jobs: Sequence[NewJob],
    answers: Sequence[Inserted],
    *,
    store: JobStore,
    settings: JobQueueSettings,
    events: EventBus = events_of_process,
    waking: int | None = None,
) -> None:
    """Tell of each job what came of its enqueue, and wake the workers that are to run it soon.

    Only the first `waking` of them are for workers now, all unless said.
    """
    heard: dict[str, bool] = {}
    for new, inserted in zip(jobs, answers, strict=True):
        name = "job.enqueued" if inserted.created else "job.deduplicated"
        if inserted.replaced:
            name = "job.replaced"
        if name not in heard:
            heard[name] = events.hears(name)
        if heard[name]:
            events.emit(name, job_id=inserted.id, handler=new.handler, queue=new.queue)
    _wake(jobs[:waking], answers[:waking], store=store, settings=settings)


def _wake(
    jobs: Sequence[NewJob],
    answers: Sequence[Inserted],
    *,
    store: JobStore,
    settings: JobQueueSettings,
) -> None:
    """Wake workers for what runs before the promoter looks again; it knows of nothing sooner."""
    if not store.supports_notify:
        return
    soon = settings.promote_interval.total_seconds()
    queues: dict[str, None] = {}
    for new, inserted in zip(jobs, answers, strict=True):
        if (
            new.queue not in queues
            and (inserted.created or inserted.replaced)
            and _seconds_until(new) <= soon
        ):
            queues[new.queue] = None
    if queues:
        debounce = settings.notify_debounce.total_seconds()
        wakeups.send_after_commit(queues, store=store, debounce=debounce)


def _seconds_until(new: NewJob) -> float:
    """By this machine's clock: a wake-up too many is harmless, and one too few costs a poll."""
    if new.run_at is None:
        return new.delay
    return (new.run_at - SystemClock().now()).total_seconds()
