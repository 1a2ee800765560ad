"""Why a job is not running: what is known is gathered in a few bounded reads, then explained."""

from datetime import timedelta

from django_jobqueue.core.errors import HandlerNotRegistered, JobNotFound
from django_jobqueue.core.limits import QueueSettings
from django_jobqueue.core.refusals import Bounds
from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.core.states import JobState
from django_jobqueue.core.why import Facts, Why, explain
from django_jobqueue.store import JobStore

from .handlers import Handler
from .registry import name_of_queue_handler, registry
from .site import site_store

#: Who asks wants to know now, and can ask again.
READ_LIMIT = timedelta(seconds=5)


def why(job_id: int) -> Why:
    """Return everything that keeps a job from running, wherever it now lives.

    It may move on while it is looked at: what is told held a moment ago. JobNotFound where no table
    has it; ReadTooSlow, or Django's DatabaseError, where the database does not answer.
    """
    store = site_store()
    with store.reading(at_most=READ_LIMIT):
        job = store.find(job_id)
        if job is None:
            raise JobNotFound(job_id)
        return explain(_facts_of(job, store))


def _facts_of(job: JobSnapshot, store: JobStore) -> Facts:
    now = store.database_now()
    if job.state.is_final:
        return Facts(job=job, now=now)
    if job.state is JobState.RUNNING:
        owner = None if job.worker_id is None else store.find_worker(job.worker_id)
        return Facts(job=job, now=now, owner=owner, workers=store.workers())
    return Facts(
        job=job,
        now=now,
        handler=job.handler or name_of_queue_handler(job.queue),
        workers=store.workers(),
        pause=store.pause_of(job.queue),
        bounds=_bounds_of(job, store),
        waited_for=None if job.waits_for is None else store.find(job.waits_for),
        ahead=store.jobs_ahead(job),
    )


def _bounds_of(job: JobSnapshot, store: JobStore) -> Bounds:
    handler = _handler_of(job)
    names = (job.handler,) if handler is None else (handler.name, *handler.aliases)
    bounds = Bounds(
        handlers=names,
        declared=None if handler is None else handler.limits,
        queue=store.limits_in_force().queues.get(job.queue, QueueSettings()),
        running=store.running_jobs(queue=job.queue, handlers=names, key=job.concurrency_key),
    )
    return bounds.with_rows(store.limits(bounds.names(job)))


def _handler_of(job: JobSnapshot) -> Handler | None:
    try:
        return registry.get(job.handler or name_of_queue_handler(job.queue))
    except HandlerNotRegistered:
        return None
