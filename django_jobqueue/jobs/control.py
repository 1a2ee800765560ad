"""Steering jobs that exist: cancel, retry, requeue, discard; by id, key, fingerprint or filter. And
asking a worker to stop.
"""

from typing import Any, TypedDict, Unpack
from uuid import UUID

import msgspec

from django_jobqueue import conf
from django_jobqueue.core.audit import Action
from django_jobqueue.core.errors import JobNotFound, RequeueRefused, StateChanged
from django_jobqueue.core.keys import checked_label
from django_jobqueue.core.rates import Rate
from django_jobqueue.core.specs import Cancelled, JobFilter
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.events import events
from django_jobqueue.store import JobStore

from .auditing import AuditedJobs, audit
from .editing import edited_arguments
from .handlers import HandlerLike, name_of
from .option_values import batch_id
from .options import refuse_unknown
from .registry import name_of_queue_handler, registry
from .site import site_store
from .wakeups import wakeups


class Criteria(TypedDict, total=False):
    """Which jobs are meant; each that is given must hold."""

    handler: HandlerLike
    queue: str
    fingerprint: str
    unique_key: str
    tag: str
    batch: object


class Requeued(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of the jobs that live now, and those refused because another job holds their key."""

    ids: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()


def cancel(*ids: int, reason: str = "", **criteria: Unpack[Criteria]) -> Cancelled:
    """Cancel waiting jobs and ask running ones to stop; what is final stays as it is.

    ValueError without any criterion: it would mean every job.
    """
    wanted = filter_of("cancel", ids, criteria)
    tell = tell_cancelled if events.hears("job.cancelled_waiting") else None
    store = site_store()
    note = AuditedJobs(store, Action.CANCEL, wanted, reason=reason)
    done = store.cancel(wanted, reason=reason, tell=tell, note=note)
    events.emit(
        "jobs.cancelled", cancelled=done.cancelled, asked=done.asked, wanted=wanted, reason=reason
    )
    return done


def tell_cancelled(job_id: int, handler: str, queue: str) -> None:
    events.emit("job.cancelled_waiting", job_id=job_id, handler=handler, queue=queue)


def run_now(*ids: int, **criteria: Unpack[Criteria]) -> int:
    """Make scheduled jobs ready at once, retries among them; return how many."""
    store, wanted = site_store(), filter_of("run_now", ids, criteria)
    count = store.run_now(wanted, note=AuditedJobs(store, Action.RUN_NOW, wanted))
    if count:
        events.emit("jobs.hurried", count=count, wanted=wanted)
        _wake(store)
    return count


def requeue(
    *ids: int,
    state: JobState | None = None,
    death: DeathReason | None = None,
    limit: int | None = None,
    rate: str | None = None,
    **criteria: Unpack[Criteria],
) -> Requeued:
    """Bring final jobs back to life, their attempts starting again.

    With a `rate` such as "100/m" they become due one after another, not all at once.
    A dead letter becomes a live job again; an archived job is copied, and the copy knows where it
    came from. Where no ids are given only dead letters are meant, unless `state` says otherwise;
    `death` narrows them to one reason. A single id that cannot be requeued raises RequeueRefused,
    StateChanged while it is live, JobNotFound where it is nowhere.
    """
    wanted = filter_of("requeue", ids, criteria, state=state, death=death)
    spacing = 0.0 if rate is None else Rate.parse("rate", rate).spacing
    store = site_store()
    note = AuditedJobs(store, Action.REQUEUE, wanted, asked={"limit": limit, "rate": rate})
    live, refused = store.requeue(wanted, limit=limit, spacing=spacing, note=note)
    if len(ids) == 1 and not live:
        raise _why_not_requeued(ids[0], refused, store)
    if live:
        events.emit("jobs.requeued", ids=tuple(live), refused=tuple(refused), wanted=wanted)
        _wake(store)
    return Requeued(ids=tuple(live), refused=tuple(refused))


def requeue_edited(job_id: int, *args: object, **kwargs: object) -> int:
    """Bring one final job back with other arguments; return the id of the job that lives now.

    InvalidArguments for a call that its handler would refuse, PayloadError for arguments that
    cannot be stored, HandlerNotRegistered if no imported module declares it; otherwise it raises as
    `requeue` of a single id does. A fingerprint or unique key that was made of the arguments is
    made anew.
    """
    store = site_store()
    found = store.find(job_id)
    if found is None:
        raise JobNotFound(job_id)
    handler = registry.get(found.handler or name_of_queue_handler(found.queue))
    edited = edited_arguments(found, handler, args, kwargs)
    wanted = JobFilter(ids=(job_id,))
    note = AuditedJobs(
        store,
        Action.EDIT,
        wanted,
        before={"payload": found.payload},
        after={"payload": msgspec.json.decode(edited.payload)},
    )
    live, refused = store.requeue(wanted, edited=edited, note=note)
    if not live:
        raise _why_not_requeued(job_id, refused, store)
    events.emit("jobs.requeued", ids=tuple(live), edited=job_id)
    _wake(store)
    return live[0]


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """How many jobs will run again now, and the ids refused because another job holds their key."""

    count: int = 0
    refused: tuple[int, ...] = ()


def retry(*ids: int) -> Retried:
    """Run jobs again now: scheduled ones, such as those that wait for a retry, and dead letters.

    A single id for which there is nothing to do raises as `requeue` does.
    """
    hurried = run_now(*ids)
    if hurried == len(ids):
        return Retried(count=hurried)
    requeued = requeue(*ids, state=JobState.DEAD)
    return Retried(count=hurried + len(requeued.ids), refused=requeued.refused)


def discard(*ids: int, death: DeathReason | None = None, **criteria: Unpack[Criteria]) -> int:
    """Delete dead letters for good; return how many. Whatever is not dead stays as it is."""
    wanted = filter_of("discard", ids, criteria, death=death)
    store = site_store()
    count = store.discard_dead(wanted, note=AuditedJobs(store, Action.DISCARD, wanted))
    if count:
        events.emit("jobs.discarded", count=count, wanted=wanted)
    return count


def stop_worker(worker_id: UUID) -> bool:
    """Ask a living worker to stop as SIGTERM would, at its next heartbeat; False if it is not
    alive.
    """
    store = site_store()
    with store.writing():
        asked = store.request_worker_stop(worker_id)
        if asked:
            audit(store, Action.STOP_WORKER, subject=str(worker_id))
    if asked:
        events.emit("worker.stop_requested", worker_id=worker_id)
    return asked


def filter_of(
    verb: str,
    ids: tuple[int, ...],
    criteria: Criteria,
    *,
    state: JobState | None = None,
    death: DeathReason | None = None,
) -> JobFilter:
    """Return the checked filter; a criterion that is None counts as not given."""
    refuse_unknown(criteria, known=Criteria.__annotations__)
    if not all(type(job_id) is int for job_id in ids):
        raise TypeError(f"{verb}() takes the ids of jobs, which are whole numbers, not {ids!r}")
    given = {key: _read(key, value) for key, value in criteria.items() if value is not None}
    if "batch" in given:
        given["batch_id"] = given.pop("batch")
    wanted = JobFilter(ids=ids or None, state=state, reason=death, **given)
    if wanted.is_empty:
        raise ValueError(
            f"{verb}() without a criterion would mean every job: give ids or one of "
            f"{', '.join(Criteria.__annotations__)}"
        )
    return wanted


def _read(criterion: str, value: Any) -> Any:
    if criterion == "handler":
        return name_of(value)
    if criterion == "batch":
        return batch_id("batch", value)
    return checked_label(criterion, value)


def _why_not_requeued(job_id: int, refused: list[int], store: JobStore) -> Exception:
    if job_id in refused:
        return RequeueRefused(job_id, "another live job holds its unique key")
    found = store.find(job_id)
    return JobNotFound(job_id) if found is None else StateChanged(job_id, f"it is {found.state}")


def _wake(store: JobStore) -> None:
    """The store does not say whose jobs became ready: every queue that has some is woken."""
    if store.supports_notify:
        debounce = conf.current().notify_debounce.total_seconds()
        wakeups.send_after_commit(store.queues_with_ready_jobs(), store=store, debounce=debounce)
