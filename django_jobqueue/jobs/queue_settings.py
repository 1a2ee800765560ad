"""What can be set for one queue, checked, and as its row keeps it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypedDict

import msgspec

from django_jobqueue.core.backoff import Backoff
from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.retry import attempts_of

from . import option_values as values
from .limiting import count_of, rate_of
from .options import refuse_unknown, stored_backoff


class QueueOptions(TypedDict, total=False):
    """What `Queue.configure` takes; None brings the default back."""

    concurrency: int | None
    max_running: int | None
    rate: str | None
    rate_burst: int | None
    max_attempts: int | None
    backoff: Backoff | None
    archive_retention: Seconds | None
    dead_retention: Seconds | None


def _attempts(option: str, value: Any) -> int:
    return attempts_of(max_attempts=value)


def _backoff(option: str, value: object) -> object:
    return msgspec.json.decode(stored_backoff(values.backoff(option, value)))


def _seconds(option: str, value: Any) -> float:
    return timedelta(seconds=values.delay(option, value)).total_seconds()


_READERS: Mapping[str, Callable[[str, object], object]] = {
    "concurrency": count_of,
    "max_running": count_of,
    "rate": rate_of,
    "rate_burst": count_of,
    "max_attempts": _attempts,
    "backoff": _backoff,
    "archive_retention": _seconds,
    "dead_retention": _seconds,
}
#: Columns that are named otherwise, and what a column holds where nothing is set, if not NULL.
_COLUMNS = {
    "archive_retention": "archive_retention_seconds",
    "dead_retention": "dead_retention_seconds",
}
_DEFAULTS = {"rate_burst": 1}


def columns_of(given: Mapping[str, object]) -> dict[str, object]:
    """Return what the row of a queue holds for these options; InvalidOptions if one is wrong."""
    refuse_unknown(given, known=QueueOptions.__annotations__)
    if not given:
        raise InvalidOptions("configure", f"sets nothing: give one of {', '.join(_READERS)}")
    return {
        _COLUMNS.get(option, option): _DEFAULTS.get(option)
        if value is None
        else _READERS[option](option, value)
        for option, value in given.items()
    }
