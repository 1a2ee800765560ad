"""The JOBQUEUE setting as one frozen value, refused with advice where it cannot be right."""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self, cast, get_args

from django.conf import settings
from django.core.signals import setting_changed

from django_jobqueue.core.backoff import Backoff, Exponential
from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.core.hints import did_you_mean
from django_jobqueue.core.retry import RetryPolicy

#: A lease must survive three heartbeats that are lost.
HEARTBEATS_PER_LEASE = 4
#: What core.retry and the counter columns hold.
_MOST_ATTEMPTS = 32_767

Reader = Callable[[object], object]


class _Unfit(Exception):
    """The value of a setting is not what it must be; the message completes "must be …"."""


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _name(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise _Unfit("a text that is not empty")


def _paths(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(path, str) for path in value):
        return tuple(value)
    raise _Unfit('a list of dotted paths, such as "shop.services.PriceFeed"')


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise _Unfit('a list of names, such as ["mail", "reports"]')


def _named_dictionaries(value: object) -> Mapping[str, Mapping[str, Any]]:
    if isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(entry, Mapping) for name, entry in value.items()
    ):
        return {name: dict(entry) for name, entry in value.items()}
    raise _Unfit('a dictionary such as {"nightly": {"handler": "shop.jobs.clean", "every": 3600}}')


_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]]+)):([0-9]{1,5})")


def _address(value: object) -> Address | None:
    if value is None or isinstance(value, Address):
        return value
    if isinstance(value, str) and (found := _ADDRESS.fullmatch(value)) and int(found[3]) < 2**16:
        return Address(found[1] or found[2], int(found[3]))
    raise _Unfit('HOST:PORT, such as "127.0.0.1:8787", or None')


def _directory(value: object) -> Path | None:
    if value is None:
        return None
    if isinstance(value, str | Path) and (path := Path(value)).is_absolute():
        return path
    raise _Unfit("the absolute path of a directory, or None")


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _Unfit("True or False")


def _backoff(value: object) -> Backoff:
    if isinstance(value, Backoff):
        return value
    raise _Unfit("a backoff, such as django_jobqueue.Exponential(initial=5)")


def _whole(least: int, *, most: int = 2**31 - 1, optional: bool = False) -> Reader:
    def read(value: object) -> int | None:
        if value is None and optional:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise _Unfit(f"a whole number from {least} to {most:,}" + (", or None" if optional else ""))

    return read


def _span(*, zero: bool = False) -> Reader:
    def read(value: object) -> timedelta:
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                value = timedelta(seconds=value)
            except (OverflowError, ValueError):
                value = None
        nothing = timedelta(0)
        if isinstance(value, timedelta) and (value > nothing or (zero and value == nothing)):
            return value
        raise _Unfit(f"a timedelta or a number of seconds, {'not below' if zero else 'above'} 0")

    return read


Text = Annotated[str, _name]
Paths = Annotated[tuple[str, ...], _paths]
Names = Annotated[tuple[str, ...], _names]
Schedules = Annotated[Mapping[str, Mapping[str, Any]], _named_dictionaries]
Listening = Annotated[Address | None, _address]
Directory = Annotated[Path | None, _directory]
Switch = Annotated[bool, _switch]
Count = Annotated[int, _whole(1)]
Attempts = Annotated[int, _whole(1, most=_MOST_ATTEMPTS)]
AttemptsOrZero = Annotated[int, _whole(0, most=_MOST_ATTEMPTS)]
AttemptsOrNone = Annotated[int | None, _whole(1, most=_MOST_ATTEMPTS, optional=True)]
Span = Annotated[timedelta, _span()]
SpanOrZero = Annotated[timedelta, _span(zero=True)]

_EXPONENTIAL = Exponential()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueueSettings:
    """What JOBQUEUE says, keys in lower case, defaults filled in; spans are timedelta.

    Each field takes what the setting takes, so a span may be given in seconds. InvalidSettings
    names the setting, its value and the way out.
    """

    database: Text = "default"
    prepared_statements: Switch = True
    spool: Directory = None

    concurrency: Count = 10
    async_concurrency: Count = 100

    permit_wait: Span = timedelta(seconds=0.5)

    poll_interval: Span = timedelta(seconds=1)
    promote_interval: Span = timedelta(seconds=2)
    notify_debounce: SpanOrZero = timedelta(seconds=0.1)

    heartbeat_interval: Span = timedelta(seconds=5)
    lease: Span = timedelta(seconds=30)
    reap_interval: Span = timedelta(seconds=5)

    timeout_grace: Span = timedelta(seconds=10)
    drain: SpanOrZero = timedelta(seconds=25)
    shutdown_timeout: Span = timedelta(seconds=30)
    precondition_timeout: SpanOrZero = timedelta(seconds=60)

    schedules: Schedules = field(default_factory=dict)
    schedule_interval: Span = timedelta(seconds=2)
    missed_after: Span = timedelta(seconds=60)

    services: Paths = ()
    probes: Listening = None
    metrics: Switch = False
    metrics_queues: Names = ()
    tracing: Switch = False

    admin_edits_arguments: Switch = False

    max_payload_bytes: Count = 256 * 1024
    max_attempts: Attempts = 3
    backoff: Annotated[Backoff, _backoff] = _EXPONENTIAL
    max_reprocess_count: AttemptsOrNone = 100
    max_rescues: AttemptsOrZero = 3
    unknown_handler_grace: SpanOrZero = timedelta(minutes=10)

    janitor_interval: Span = timedelta(seconds=60)
    janitor_batch: Count = 1_000
    archive_retention: SpanOrZero = timedelta(days=7)
    dead_retention: SpanOrZero = timedelta(days=90)
    audit_retention: SpanOrZero = timedelta(days=90)

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            try:
                object.__setattr__(self, setting.name, _reader_of(setting)(value))
            except _Unfit as must:
                raise InvalidSettings(
                    f"JOBQUEUE[{setting.name.upper()!r}] is {value!r}: it must be {must}."
                ) from None
        shortest = HEARTBEATS_PER_LEASE * self.heartbeat_interval
        if self.lease < shortest:
            raise InvalidSettings(
                f"JOBQUEUE['LEASE'] is {_told(self.lease)}: it must cover {HEARTBEATS_PER_LEASE} "
                f"heartbeats of {_told(self.heartbeat_interval)} each, or live workers lose their "
                f"jobs. Set it to at least {_told(shortest)}, or lower "
                "JOBQUEUE['HEARTBEAT_INTERVAL']."
            )

    @property
    def retry_policy(self) -> RetryPolicy:
        """What holds for a handler that says nothing else."""
        return RetryPolicy(
            max_attempts=self.max_attempts,
            backoff=self.backoff,
            max_reprocess_count=self.max_reprocess_count,
            max_rescues=self.max_rescues,
        )

    @classmethod
    def load(cls, given: Mapping[str, object]) -> Self:
        """Return the settings of a JOBQUEUE dictionary; a key that is missing has its default."""
        if not isinstance(given, Mapping):
            raise InvalidSettings(f"JOBQUEUE is {given!r}: it must be a dictionary of settings.")
        names = {setting.name.upper(): setting.name for setting in fields(cls)}
        for key in given:
            if key not in names:
                hint = did_you_mean(str(key), names) or f" The keys are: {', '.join(names)}."
                raise InvalidSettings(f"unknown setting JOBQUEUE[{key!r}].{hint}")
        values: dict[str, Any] = {names[key]: value for key, value in given.items()}
        return cls(**values)


def _reader_of(setting: Field[Any]) -> Reader:
    _, reader = get_args(setting.type)
    return cast(Reader, reader)


def _told(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"


@cache
def current() -> JobQueueSettings:
    """Return the settings of this process; read once, and again after a test overrides JOBQUEUE."""
    return JobQueueSettings.load(getattr(settings, "JOBQUEUE", {}))


def _forget(*, setting: str, **_: object) -> None:
    if setting == "JOBQUEUE":
        current.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_jobqueue.conf")
