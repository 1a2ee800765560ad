"""From the record of a job to the result of a task."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

from django.conf import settings
from django.utils import timezone

from django_jobqueue.core.errors import HandlerNotRegistered
from django_jobqueue.core.snapshots import AttemptSnapshot, JobSnapshot
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs.options import JobOptions
from django_jobqueue.jobs.registry import registry

from .errors import ends_a_run, error_of_end, error_of_run, failed_by_itself
from .framework import Task, TaskError, TaskResult, TaskResultStatus, base, task_backends
from .tasks import JobTask, unvalidated, with_changes

#: Where `meta` of a job keeps what only the framework asks for.
ABOUT = "_task"
_STATUSES = {
    JobState.RUNNING: TaskResultStatus.RUNNING,
    JobState.SUCCEEDED: TaskResultStatus.SUCCESSFUL,
    JobState.CANCELLED: TaskResultStatus.FAILED,
    JobState.DEAD: TaskResultStatus.FAILED,
}


def about_task(
    *, backend: str, enqueued_at: datetime, run_after: datetime | None
) -> dict[str, Any]:
    """Return what `meta` keeps of a task that is enqueued."""
    times = {"enqueued_at": enqueued_at, "run_after": run_after}
    about = {name: at.isoformat() for name, at in times.items() if at is not None}
    return {ABOUT: {"backend": backend, **about}}


def is_task(handler: str, meta: Mapping[str, Any]) -> bool:
    """Whether a job is a task, by what was kept at its enqueue or by what this process declares."""
    if ABOUT in meta:
        return True
    return handler in registry and isinstance(registry.get(handler).declared, base.Task)


def running_result(
    job: ClaimedJob, earlier: Sequence[AttemptSnapshot], *, began_at: datetime | None = None
) -> TaskResult:
    """Return the result of a task that runs under this claim; `earlier` are its kept runs."""
    began_at = began_at or job.claimed_at
    past = _Past.of(earlier, before=job.attempt)
    return _Record.of_claim(job).result(
        status=TaskResultStatus.RUNNING,
        started_at=past.started_at or began_at,
        last_attempted_at=began_at,
        finished_at=None,
        errors=list(past.errors),
        worker_ids=[*past.worker_ids, str(job.worker_id)],
    )


def result_of(job: JobSnapshot, attempts: Sequence[AttemptSnapshot]) -> TaskResult:
    """Return the result of a task as its record tells it."""
    status = _STATUSES.get(job.state, TaskResultStatus.READY)
    is_in_hand = status in (TaskResultStatus.RUNNING, TaskResultStatus.SUCCESSFUL)
    past = _Past.of(attempts, before=job.attempt if is_in_hand else job.attempt + 1)
    errors, worker_ids = list(past.errors), list(past.worker_ids)
    last_attempted_at = past.last_attempted_at
    if is_in_hand:
        worker_ids.append(str(job.worker_id))
        last_attempted_at = job.attempted_at or job.claimed_at
    if status == TaskResultStatus.FAILED and not (
        past.failed_at(job.attempt) and ends_a_run(job.state, job.reason)
    ):
        errors.append(error_of_end(job.state, job.reason, job.error))
    result = _Record.of_snapshot(job).result(
        status=status,
        started_at=past.started_at or last_attempted_at,
        last_attempted_at=last_attempted_at,
        finished_at=job.finished_at,
        errors=errors,
        worker_ids=worker_ids,
    )
    return with_value(result, job.result) if job.state is JobState.SUCCEEDED else result


def with_value(result: TaskResult, value: object) -> TaskResult:
    """Give a new result what its task returned; its class has no other way to say it."""
    object.__setattr__(result, "_return_value", value)
    return result


def shown(moment: datetime | None) -> datetime | None:
    """Return a time as this site has them: naive, and in its own zone, without USE_TZ."""
    if moment is None or timezone.is_aware(moment) == settings.USE_TZ:
        return moment
    return timezone.make_aware(moment) if settings.USE_TZ else timezone.make_naive(moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What the kept runs tell: one for each attempt that was spent, the last of its number."""

    runs: Sequence[AttemptSnapshot]

    @classmethod
    def of(cls, attempts: Sequence[AttemptSnapshot], *, before: int) -> Self:
        # A number comes back where a run spent none, and where a dead letter was requeued.
        last = {run.attempt: run for run in attempts if run.attempt < before}
        return cls(runs=[last[number] for number in sorted(last)])

    @property
    def errors(self) -> Sequence[TaskError]:
        return [error_of_run(run) for run in self.runs if failed_by_itself(run.outcome)]

    @property
    def worker_ids(self) -> Sequence[str]:
        return [str(run.worker_id) for run in self.runs]

    @property
    def started_at(self) -> datetime | None:
        return self.runs[0].started_at if self.runs else None

    @property
    def last_attempted_at(self) -> datetime | None:
        return self.runs[-1].started_at if self.runs else None

    def failed_at(self, attempt: int) -> bool:
        """Whether that attempt is kept, as one that failed by itself."""
        return any(run.attempt == attempt and failed_by_itself(run.outcome) for run in self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What a job tells of its task, claimed or at rest."""

    id: int
    handler: str
    queue: str
    priority: int
    payload: Any
    about: Mapping[str, str]
    created_at: datetime

    @classmethod
    def of_claim(cls, job: ClaimedJob) -> Self:
        return cls._of(job, payload=json.loads(job.payload), meta=json.loads(job.meta))

    @classmethod
    def of_snapshot(cls, job: JobSnapshot) -> Self:
        return cls._of(job, payload=job.payload, meta=job.meta)

    @classmethod
    def _of(cls, job: ClaimedJob | JobSnapshot, *, payload: Any, meta: Any) -> Self:
        return cls(
            id=job.id,
            handler=job.handler,
            queue=job.queue,
            priority=job.priority,
            payload=payload,
            about=meta.get(ABOUT, {}),
            created_at=job.created_at,
        )

    def result(self, **told: Any) -> TaskResult:
        task = self._task()
        enqueued_at = self._time("enqueued_at") or self.created_at
        latest = enqueued_at
        for name in ("started_at", "last_attempted_at", "finished_at"):
            # The clock of who enqueued may be ahead of the database's, and that of SQLite tells no
            # more than milliseconds.
            if told[name] is not None:
                latest = max(latest, told[name])
                told[name] = shown(latest)
        return TaskResult(
            task=task,
            id=str(self.id),
            enqueued_at=shown(enqueued_at),
            args=self.payload["args"],
            kwargs=self.payload["kwargs"],
            backend=task.backend,
            **told,
        )

    def _task(self) -> Task:
        declared = registry.get(self.handler).declared if self.handler in registry else None
        values = {
            "queue_name": self.queue,
            "priority": self.priority,
            "run_after": shown(self._time("run_after")),
        }
        if (backend := self.about.get("backend")) in task_backends.settings:
            values["backend"] = backend
        if isinstance(declared, base.Task):
            return with_changes(declared, **values)
        return with_changes(_missing(self.handler), **values)

    def _time(self, name: str) -> datetime | None:
        text = self.about.get(name)
        return None if text is None else datetime.fromisoformat(text)


@lru_cache(maxsize=1_000)
def _missing(path: str) -> Task:
    """The task of a job that this process cannot run: it tells its name, and no more."""

    def func(*args: object, **kwargs: object) -> None:
        raise HandlerNotRegistered(path)

    func.__module__, _, func.__qualname__ = path.rpartition(".")
    func.__name__ = func.__qualname__
    return unvalidated(
        JobTask,
        func=func,
        priority=0,
        backend="default",
        queue_name="default",
        run_after=None,
        takes_context=False,
        options={},
        said=JobOptions(),
    )
