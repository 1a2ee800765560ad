"""The options of a job: what @job, `using` and a handler may say, and how the sayings combine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self, TypedDict

import msgspec

from django_jobqueue.core.backoff import Backoff
from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.keys import checked_label
from django_jobqueue.core.retry import attempts_of

from . import option_values as values
from .limiting import count_of

UniqueWhile = Literal["live", "waiting"]
OnConflict = Literal["skip", "raise", "replace"]


class SharedOptions(TypedDict, total=False):
    """What both a handler and a single enqueue may say."""

    queue: str
    priority: int
    max_attempts: int
    max_retries: int
    backoff: Backoff
    timeout: Seconds
    unique: bool
    unique_by: Iterable[str]
    unique_key: str
    unique_for: Seconds
    unique_while: UniqueWhile
    on_conflict: OnConflict
    fingerprint: str
    concurrency_key: str
    key_limit: int
    tags: Iterable[str]
    meta: Mapping[str, object]


class CallOptions(SharedOptions, total=False):
    """What `using` takes; `run_at` and `delay` exclude each other."""

    run_at: datetime
    delay: Seconds
    expires_at: datetime
    batch: object


class ChainOptions(CallOptions):
    """What `using` takes for a job that gets the result of another as that argument."""

    result_as: str


_READERS: Mapping[str, Callable[[str, Any], object]] = {
    "queue": values.queue_name,
    "priority": values.priority,
    "backoff": values.backoff,
    "timeout": values.seconds,
    "unique": values.switch,
    "unique_by": values.some_labels,
    "unique_key": checked_label,
    "unique_for": values.span,
    "unique_while": values.one_of("live", "waiting"),
    "on_conflict": values.one_of("skip", "raise", "replace"),
    "fingerprint": checked_label,
    "concurrency_key": checked_label,
    "key_limit": count_of,
    "tags": values.labels,
    "meta": values.mapping,
    "run_at": values.moment,
    "delay": values.delay,
    "expires_at": values.moment,
    "result_as": values.label,
    "batch": values.batch_id,
}
#: Ways to say one thing: one at a time, and the later saying replaces the earlier, however said.
_GROUPS = (("run_at", "delay"), ("unique", "unique_by", "unique_key"))
_ABOUT_A_KEY = ("unique_for", "unique_while", "on_conflict")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """Options that were checked; None: nothing was said. `timeout` and `delay` are in seconds."""

    queue: str | None = None
    priority: int | None = None
    max_attempts: int | None = None
    backoff: Backoff | None = None
    timeout: float | None = None
    unique: bool | None = None
    unique_by: tuple[str, ...] | None = None
    unique_key: str | None = None
    unique_for: timedelta | None = None
    unique_while: str | None = None
    on_conflict: str | None = None
    fingerprint: str | None = None
    concurrency_key: str | None = None
    key_limit: int | None = None
    tags: tuple[str, ...] | None = None
    meta: Mapping[str, object] | None = None
    run_at: datetime | None = None
    delay: float | None = None
    expires_at: datetime | None = None
    result_as: str | None = None
    batch: int | None = None

    @classmethod
    def of_call(cls, given: Mapping[str, Any]) -> Self:
        """Read what `using` was given; InvalidOptions for an option that is unknown or wrong."""
        options = cls._read(given, known=ChainOptions.__annotations__)
        if options.backoff is not None:
            stored_backoff(options.backoff)
        return options

    @classmethod
    def of_handler(cls, given: Mapping[str, Any]) -> Self:
        """Read the shared options of @job."""
        return cls._read(given, known=SharedOptions.__annotations__)

    @classmethod
    def _read(cls, given: Mapping[str, Any], *, known: Iterable[str]) -> Self:
        refuse_unknown(given, known=known)
        said = {option: value for option, value in given.items() if value is not None}
        attempts = {option: said.pop(option, None) for option in ("max_attempts", "max_retries")}
        if any(value is not None for value in attempts.values()):
            said["max_attempts"] = attempts_of(**attempts)
        for option in said.keys() & _READERS.keys():
            said[option] = _READERS[option](option, said[option])
        for group in _GROUPS:
            _refuse_two_of(group, said)
        return cls(**said)

    def over(self, base: Self) -> Self:
        """Return `base` with what these say in its place; tags are added, meta is merged."""
        said = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if getattr(self, item.name) is not None
        }
        for group in _GROUPS:
            if said.keys() & set(group):
                said = dict.fromkeys(group) | said
        if self.unique is False:
            said = dict.fromkeys(_ABOUT_A_KEY) | said
        if self.tags and base.tags:
            said["tags"] = tuple(dict.fromkeys(base.tags + self.tags))
        if self.meta and base.meta:
            said["meta"] = {**base.meta, **self.meta}
        return replace(base, **said)

    @property
    def wants_unique(self) -> bool:
        return bool(self.unique or self.unique_by or self.unique_key)

    def check_key(self) -> Self:
        """Return these options; InvalidOptions if they are about a unique key that is not there."""
        for option in _ABOUT_A_KEY:
            if getattr(self, option) is not None and not self.wants_unique:
                raise InvalidOptions(
                    option,
                    "says what to do with a unique key, but there is none: "
                    "add unique=True, unique_by=[…] or unique_key=…",
                )
        return self


def stored_backoff(backoff: Backoff) -> str:
    """Return the JSON text in which a job keeps its own backoff; InvalidOptions for a function."""
    try:
        return msgspec.json.encode(backoff.to_json()).decode()
    except ValueError as error:
        raise InvalidOptions("backoff", f"does not fit a single job: {error}") from error


def refuse_result_as(said: JobOptions) -> None:
    """Raise InvalidOptions where a job that waits for none is to take the result of another."""
    if said.result_as is not None:
        raise InvalidOptions(
            "result_as", "names what takes the result of the job before: enqueue it in a chain"
        )


def refuse_unknown(given: Iterable[str], *, known: Iterable[str]) -> None:
    """Raise InvalidOptions for the first option that is not known."""
    names = set(known)
    for option in given:
        if option not in names:
            raise InvalidOptions.unknown(option, known=names)


def _refuse_two_of(group: tuple[str, ...], said: Mapping[str, object]) -> None:
    first, *others = [option for option in group if option in said] or [""]
    if others:
        raise InvalidOptions(others[0], f"and {first!r} exclude each other: give one of them")
