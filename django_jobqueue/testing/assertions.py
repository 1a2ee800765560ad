"""What a test says of the jobs that wait, and what it is told where that is not so."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from django_jobqueue.core.clock import Seconds, moment_text, seconds_of
from django_jobqueue.core.error_text import short_repr
from django_jobqueue.core.errors import InvalidArguments, PayloadError
from django_jobqueue.core.payloads import dump_payload
from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.core.states import WAITING_STATES
from django_jobqueue.jobs.handlers import Handler, HandlerLike, handler_of
from django_jobqueue.jobs.registry import registry
from django_jobqueue.jobs.site import site_store
from django_jobqueue.models import Job

#: How many of the jobs that wait a message lists.
MOST_LISTED = 20
DEFAULT_TOLERANCE = timedelta(seconds=1)


class Wanted(TypedDict, total=False):
    """What a job can be asked for; whatever is left out may be anything."""

    args: Sequence[object]
    kwargs: Mapping[str, object]
    queue: str
    priority: int
    delay: Seconds
    run_at: datetime
    tags: Sequence[str]
    meta: Mapping[str, object]
    unique_key: str
    within: Seconds


def enqueued_jobs(
    handler: HandlerLike | None = None, **wanted: Unpack[Wanted]
) -> list[JobSnapshot]:
    """Return the jobs that wait, in the order of their enqueue, as `assert_enqueued` finds them."""
    asked = _Asked.of(handler, wanted)
    return [job for job in _waiting() if asked.fits(job)]


def assert_enqueued(
    handler: HandlerLike | None = None, *, count: int | None = None, **wanted: Unpack[Wanted]
) -> list[JobSnapshot]:
    """Fail unless a job like this waits, or just `count` of them; return those that do.

    `args` and `kwargs` are compared as the handler will get them, defaults included; arguments that
    are not named may be anything. `meta` and `tags` must be among the job's. `delay` counts from
    the enqueue; it and `run_at` may be missed by `within` [1 s]. Jobs that have run do not wait any
    more: look at what `run_jobs` has returned.
    """
    asked, waiting = _Asked.of(handler, wanted), _waiting()
    found = [job for job in waiting if asked.fits(job)]
    is_right = len(found) == count if count is not None else bool(found)
    if not is_right:
        expected = "a job" if count is None else f"{count:,} jobs"
        raise AssertionError(f"{expected} {asked} should wait, {_told(found, waiting)}")
    return found


def refute_enqueued(handler: HandlerLike | None = None, **wanted: Unpack[Wanted]) -> None:
    """Fail if a job like this waits."""
    asked, waiting = _Asked.of(handler, wanted), _waiting()
    if found := [job for job in waiting if asked.fits(job)]:
        raise AssertionError(f"no job {asked} should wait, {_told(found, waiting)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What is asked of a job; `handler` only where it is registered here."""

    name: str | None
    handler: Handler | None
    wanted: Wanted = field(default_factory=Wanted)

    @classmethod
    def of(cls, declared: HandlerLike | None, wanted: Wanted) -> "_Asked":
        if unknown := wanted.keys() - Wanted.__annotations__.keys():
            raise TypeError(
                f"a job has no {', '.join(sorted(unknown))}: the arguments of its call are asked "
                "for with args=(…) and kwargs={…}"
            )
        if declared is None or isinstance(declared, str):
            known = declared if declared is not None and declared in registry else None
            handler = None if known is None else registry.get(known)
            asked = cls(name=declared, handler=handler, wanted=wanted)
        else:
            handler = handler_of(declared)
            asked = cls(name=handler.name, handler=handler, wanted=wanted)
        asked.refuse_unknown_arguments()
        return asked

    def refuse_unknown_arguments(self) -> None:
        """A name that is misspelt would be missed in every job."""
        if self.handler is None or self.handler.arguments.takes_any_keyword:
            return
        known = self.handler.arguments.parameters
        for name in self.wanted.get("kwargs", ()):
            if name not in known:
                raise TypeError(f"{self.name} takes no argument {name!r}, but {', '.join(known)}")

    def fits(self, job: JobSnapshot) -> bool:
        if self.name is not None and job.handler not in self._names:
            return False
        return self._fits_options(job) and self._fits_time(job) and self._fits_arguments(job)

    @property
    def _names(self) -> tuple[str | None, ...]:
        return (self.name, *(self.handler.aliases if self.handler else ()))

    def _fits_options(self, job: JobSnapshot) -> bool:
        plain = ("queue", "priority", "unique_key")
        wanted: dict[str, Any] = {**self.wanted}
        return (
            all(getattr(job, name) == wanted[name] for name in plain if name in wanted)
            and set(self.wanted.get("tags", ())) <= set(_listed(job.tags))
            and dict(self.wanted.get("meta", {})).items() <= _named(job.meta).items()
        )

    def _fits_time(self, job: JobSnapshot) -> bool:
        within = seconds_of(self.wanted.get("within", DEFAULT_TOLERANCE))
        due = job.run_at or job.created_at
        if "delay" in self.wanted:
            delayed = (due - job.created_at).total_seconds()
            if abs(delayed - seconds_of(self.wanted["delay"])) > within:
                return False
        if "run_at" in self.wanted:
            return abs((due - self.wanted["run_at"]).total_seconds()) <= within
        return True

    def _fits_arguments(self, job: JobSnapshot) -> bool:
        args, kwargs = list(self.wanted.get("args", ())), dict(self.wanted.get("kwargs", {}))
        given, named = _arguments_of(job, self.handler)
        names = () if self.handler is None else self.handler.arguments.parameters
        for position, value in enumerate(args):
            if position < len(given):
                if given[position] != value:
                    return False
            elif position < len(names):
                kwargs[names[position]] = value
            else:
                return False
        nothing = object()
        return all(named.get(name, nothing) == value for name, value in kwargs.items())

    def __str__(self) -> str:
        wanted: dict[str, Any] = {**self.wanted}
        args, kwargs = wanted.pop("args", ()), wanted.pop("kwargs", {})
        has_call = "args" in self.wanted or "kwargs" in self.wanted
        said = _call(args, kwargs, has_more=True) if has_call else ""
        parts = [f"{self.name or ''}{said}"] if self.name or said else []
        return " with ".join(parts + [f"{name}={value!r}" for name, value in wanted.items()])


def _waiting() -> list[JobSnapshot]:
    store = site_store()
    rows = Job._default_manager.using(store.using).filter(
        state__in=[state.value for state in WAITING_STATES]
    )
    found = [store.find(job_id) for job_id in rows.order_by("id").values_list("id", flat=True)]
    return [job for job in found if job is not None]


def _arguments_of(job: JobSnapshot, handler: Handler | None) -> tuple[list[Any], dict[str, Any]]:
    """Return what the job was given, by position and by name, typed where its handler is known."""
    stored = _named(job.payload)
    args, kwargs = _listed(stored.get("args")), _named(stored.get("kwargs"))
    if handler is None:
        return args, kwargs
    try:
        args, kwargs = handler.arguments_of(dump_payload(job.payload))
    except (InvalidArguments, PayloadError):
        return args, kwargs  # it waits for an argument that is added later, or fits no more
    return args, {**_defaults_of(handler), **handler.arguments.named(_payload(args, kwargs))}


def _payload(args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"args": args, "kwargs": kwargs}


def _defaults_of(handler: Handler) -> dict[str, Any]:
    declared: Any = handler.declared
    try:
        parameters = inspect.signature(declared).parameters
    except (TypeError, ValueError):
        return {}
    return {name: one.default for name, one in parameters.items() if one.default is not one.empty}


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _named(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _told(found: Sequence[JobSnapshot], waiting: Sequence[JobSnapshot]) -> str:
    if not waiting:
        return "but none waits at all"
    number = f"{len(found)} of them" if found else "none of them is one"
    lines = [f"but of {len(waiting)} that wait, {number}:"]
    alike = {job.id for job in found}
    for job in waiting[:MOST_LISTED]:
        lines.append(f"  {'*' if job.id in alike else ' '} {_line(job)}")
    if (more := len(waiting) - MOST_LISTED) > 0:
        lines.append(f"    … and {more:,} more")
    return "\n".join(lines)


def _line(job: JobSnapshot) -> str:
    payload = _named(job.payload)
    call = _call(_listed(payload.get("args")), _named(payload.get("kwargs")))
    due = job.run_at or job.created_at
    delayed = (due - job.created_at).total_seconds()
    when = "" if delayed <= 0 else f", delay={delayed:g}, at {moment_text(due)}"
    label = "" if job.priority == 0 else f", priority={job.priority}"
    return f"{job.handler or '(none)'}{call}, {job.state}, queue={job.queue!r}{label}{when}"


def _call(args: Sequence[object], kwargs: Mapping[str, object], *, has_more: bool = False) -> str:
    parts = [short_repr(value) for value in args]
    parts += [f"{name}={short_repr(value)}" for name, value in kwargs.items()]
    return f"({', '.join(parts + ['…'] * has_more)})"
