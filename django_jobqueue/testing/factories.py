"""Records of jobs and workers as they would be by now, without anything having run."""

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from django_jobqueue import __version__, conf
from django_jobqueue.core.error_text import ErrorDescription, describe_error
from django_jobqueue.core.payloads import dump_payload
from django_jobqueue.core.specs import NewJob, WorkerIdentity
from django_jobqueue.core.states import ARCHIVED_STATES, DeathReason, JobState
from django_jobqueue.jobs.drafts import Draft
from django_jobqueue.jobs.handlers import HandlerLike, handler_of
from django_jobqueue.jobs.handles import JobHandle
from django_jobqueue.jobs.options import JobOptions
from django_jobqueue.jobs.registry import registry
from django_jobqueue.jobs.site import site_store
from django_jobqueue.models import ArchivedJob, AttemptRecord, DeadJob, Job, WorkerRecord
from django_jobqueue.models.base import JobRecord

#: In this order they pass.
_TIMES = ("created_at", "ready_at", "claimed_at", "attempted_at", "finished_at")
_RAN = (JobState.RUNNING, JobState.SUCCEEDED, JobState.DEAD)
_FAILURE = ErrorDescription(type="RuntimeError", message="it was made for a test")
#: Of what was made scheduled without a time.
LATER = timedelta(hours=1)


def make_job(
    handler: HandlerLike = "testing.handler",
    *,
    args: Sequence[object] = (),
    kwargs: Mapping[str, object] | None = None,
    state: JobState | str = JobState.READY,
    error: BaseException | None = None,
    **columns: Any,
) -> JobHandle:
    """Store a job that has come to `state`, in the table where such a job is; return its handle.

    Whatever is not said is filled in as it would be: a running job has a living worker, its claim
    and an attempt; a dead one `reason` [exhausted], its attempts with their errors, an `error`.
    `columns` are those of the table: times, `attempt`, `worker_id`, `result`, `queue` and so on.
    `handler` is what @job returned, whose arguments are checked, or any name. ValueError for times
    that are in no order, and for a `unique_key` that is taken.
    """
    state = JobState(state)
    new = _new(handler, args=args, kwargs=kwargs or {}, columns=columns)
    facts = _facts(state, new=new, columns=columns, error=error)
    job_id = _stored(state, new=new, facts=facts)
    _store_attempts(job_id, state=state, facts=facts)
    return JobHandle.get(job_id)


def make_worker(*, has_lease: bool = True, **columns: Any) -> UUID:
    """Store a worker that is alive, or whose lease has lapsed unnoticed, and return its id.

    `columns` are those of its table, such as `host`, `queues`, `state`.
    """
    store, worker_id = site_store(), columns.pop("id", None) or uuid4()
    identity = WorkerIdentity(
        id=worker_id,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        queues=(),
        handlers=registry.names,
        concurrency=conf.current().concurrency,
    )
    store.register_worker(identity, lease=conf.current().lease)
    if not has_lease:
        columns.setdefault("lease_expires_at", store.database_now() - conf.current().lease)
    if columns:
        rows = WorkerRecord._default_manager.using(store.using)
        rows.filter(pk=worker_id).update(**columns)
    return worker_id


def _new(
    declared: HandlerLike,
    *,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    columns: Mapping[str, Any],
) -> NewJob:
    if isinstance(declared, str) and declared not in registry:
        payload = dump_payload({"args": list(args), "kwargs": dict(kwargs)})
        new = NewJob(handler=declared, payload=payload)
    else:
        handler = registry.get(declared) if isinstance(declared, str) else handler_of(declared)
        draft = Draft(handler, JobOptions())
        new = draft.with_arguments(args, kwargs, settings=conf.current())
    if "unique_key" in columns:
        new = msgspec.structs.replace(new, unique_key=columns["unique_key"])
    return msgspec.structs.replace(new, run_at=None, delay=0.0, unique_for=None)


def _facts(
    state: JobState, *, new: NewJob, columns: Mapping[str, Any], error: BaseException | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {"state": state.value, **_of_state(state, new=new, columns=columns)}
    if error is not None or (state is JobState.DEAD and "error" not in columns):
        facts["error"] = _error_of(_FAILURE if error is None else describe_error(error))
    facts |= columns
    return facts | _times(state, facts)


def _of_state(state: JobState, *, new: NewJob, columns: Mapping[str, Any]) -> dict[str, Any]:
    match state:
        case JobState.SCHEDULED:
            return {"run_at": site_store().database_now() + LATER}
        case JobState.BLOCKED:
            key = columns.get("concurrency_key", new.concurrency_key)
            by = f"handler:{new.handler}" if key is None else f"key:{key}"
            return {} if "waits_for" in columns else {"blocked_by": by}
        case JobState.RUNNING:
            worker_id = columns.get("worker_id") or make_worker()
            return {"attempt": 1, "claim_token": uuid4(), "worker_id": worker_id}
        case JobState.SUCCEEDED:
            return {"attempt": 1, "claim_token": uuid4(), "worker_id": uuid4()}
        case JobState.DEAD:
            reason = columns.get("reason", DeathReason.EXHAUSTED)
            most = columns.get("max_attempts", new.max_attempts)
            attempt = most if reason == DeathReason.EXHAUSTED else 1
            claim = {"claim_token": uuid4(), "worker_id": uuid4()}
            return {"attempt": attempt, "reason": reason, **claim}
        case _:
            return {}


def _times(state: JobState, facts: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the times that such a job has; those that were not said, as near as can be."""
    names: Sequence[str] = _TIMES if state.is_final else _TIMES[:-1]
    if state not in _RAN:
        names = [name for name in names if name not in ("claimed_at", "attempted_at")]
    times: dict[str, datetime] = {}
    following = site_store().database_now()
    for name in reversed(names):
        times[name] = following = facts.get(name) or following
    said = [times[name] for name in names]
    if said != sorted(said):
        raise ValueError(f"{', '.join(names)} must come in this order, and not {said}")
    return times


def _stored(state: JobState, *, new: NewJob, facts: Mapping[str, Any]) -> int:
    store = site_store()
    inserted = store.insert(new)
    if not inserted.created:
        raise ValueError(f"job {inserted.id} has the unique key {new.unique_key!r} already")
    rows = Job._default_manager.using(store.using).filter(pk=inserted.id)
    if not state.is_final:
        rows.update(**{"run_at": facts["created_at"], **facts})
        return inserted.id
    model: type[JobRecord] = ArchivedJob if state in ARCHIVED_STATES else DeadJob
    shared = [one.name for one in model._meta.fields if one.name in _columns_of(Job)]
    [row] = rows.values(*shared)
    rows.delete()
    moved = {**row, "run_at": facts["created_at"], **facts}
    model._default_manager.using(store.using).create(**moved)
    return inserted.id


def _columns_of(model: type[JobRecord]) -> Iterator[str]:
    return (one.name for one in model._meta.fields)


def _store_attempts(job_id: int, *, state: JobState, facts: Mapping[str, Any]) -> None:
    """Of every run but a plain success, and the one that is under way."""
    attempt = facts.get("attempt", 0)
    failed = attempt - 1 if state in (JobState.RUNNING, JobState.SUCCEEDED) else attempt
    error = facts.get("error") or _error_of(_FAILURE)
    ended_at = facts.get("finished_at") or facts["created_at"]
    AttemptRecord._default_manager.using(site_store().using).bulk_create(
        AttemptRecord(
            job_id=job_id,
            attempt=number,
            started_at=ended_at,
            ended_at=ended_at,
            worker_id=facts.get("worker_id"),
            error_type=error["type"],
            message=error["message"],
        )
        for number in range(1, failed + 1)
    )


def _error_of(described: ErrorDescription) -> dict[str, Any]:
    fields = {"fields": described.fields} if described.fields else {}
    return {"type": described.type, "message": described.message, **fields}
