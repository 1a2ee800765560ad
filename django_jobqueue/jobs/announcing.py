"""Telling of jobs that were stored: an event for each, and a wake-up unless they had one."""

from collections.abc import Sequence

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.events import EventBus
from django_jobqueue.events import events as events_of_process
from django_jobqueue.store import JobStore

from .waking import wake_after_commit


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
    wake_after_commit(jobs[:waking], answers[:waking], store=store, settings=settings)
