"""Checks of single options; each returns the value as it is kept, or raises InvalidOptions."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.utils import timezone

from django_jobqueue.core.backoff import Backoff
from django_jobqueue.core.clock import seconds_of
from django_jobqueue.core.errors import InvalidOptions, PayloadError
from django_jobqueue.core.payloads import dump_payload

Kept = TypeVar("Kept")
Reader = Callable[[str, object], Kept]

PRIORITIES = range(-100, 101)
QUEUE_LENGTH = 128
TEXT_LENGTH = 255
#: A century: every database and datetime can add it to the time.
LONGEST_SPAN = timedelta(days=36_525)
#: Control characters forge log lines; surrogates and NUL cannot be stored.
_UNFIT_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}


def text(length: int) -> Reader[str]:
    """Return the check of a text of 1 to `length` characters without control characters."""

    def read(option: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise InvalidOptions(option, f"must be a text that is not empty, not {value!r}")
        if len(value) > length:
            raise InvalidOptions(
                option, f"must have at most {length} characters, not {len(value):,}"
            )
        if any(unicodedata.category(character) in _UNFIT_CATEGORIES for character in value):
            raise InvalidOptions(option, f"must hold no control characters: {value!r}")
        return value

    return read


queue_name = text(QUEUE_LENGTH)
label = text(TEXT_LENGTH)


def labels(option: str, value: object) -> tuple[str, ...]:
    """Several texts, each once, in the order given; a lone text would be taken letter by letter."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidOptions(option, f"must be a list of texts, not {value!r}")
    return tuple(dict.fromkeys(label(option, entry) for entry in value))


def some_labels(option: str, value: object) -> tuple[str, ...]:
    """As `labels`, at least one."""
    found = labels(option, value)
    if not found:
        raise InvalidOptions(option, "must name at least one")
    return found


def priority(option: str, value: object) -> int:
    """A priority; the high ones run first."""
    if type(value) is not int or value not in PRIORITIES:
        raise InvalidOptions(
            option, f"must be a whole number from -100 to 100 (high first), not {value!r}"
        )
    return value


def batch_id(option: str, value: object) -> int:
    """The id of a batch, given as its handle or as the number."""
    found = getattr(value, "id", value)
    if type(found) is not int or found < 1:
        raise InvalidOptions(option, f"must be the handle of a batch, or its id, not {value!r}")
    return found


def switch(option: str, value: object) -> bool:
    """True or False, nothing that merely counts as such."""
    if not isinstance(value, bool):
        raise InvalidOptions(option, f"must be True or False, not {value!r}")
    return value


def backoff(option: str, value: object) -> Backoff:
    """A backoff value."""
    if not isinstance(value, Backoff):
        raise InvalidOptions(
            option, f"must be a backoff such as Exponential(initial=5), not {value!r}"
        )
    return value


def _span(option: str, value: object) -> timedelta:
    if isinstance(value, int | float | timedelta) and not isinstance(value, bool):
        try:
            seconds = seconds_of(value)
        except OverflowError:
            seconds = math.inf
        if abs(seconds) <= LONGEST_SPAN.total_seconds():
            return timedelta(seconds=seconds)
    raise InvalidOptions(
        option, f"must be a number of seconds or a timedelta, at most a century, not {value!r}"
    )


def span(option: str, value: object) -> timedelta:
    """Some time, more than none."""
    found = _span(option, value)
    if found <= timedelta(0):
        raise InvalidOptions(option, f"must be longer than 0 seconds, not {value!r}")
    return found


def seconds(option: str, value: object) -> float:
    """As `span`, in seconds."""
    return span(option, value).total_seconds()


def delay(option: str, value: object) -> float:
    """A wait in seconds; none at all is fine."""
    found = _span(option, value)
    if found < timedelta(0):
        raise InvalidOptions(option, f"must not be negative, not {value!r}")
    return found.total_seconds()


def moment(option: str, value: object) -> datetime:
    """An aware time. A naive one is refused with USE_TZ, and read in TIME_ZONE without it."""
    if not isinstance(value, datetime):
        raise InvalidOptions(option, f"must be a datetime, not {value!r}")
    if timezone.is_aware(value):
        return value
    if settings.USE_TZ:
        raise InvalidOptions(
            option,
            f"must be an aware datetime: {value!r} has no time zone, so it names no moment. "
            "Use django.utils.timezone.make_aware(), or delay= for a wait.",
        )
    return timezone.make_aware(value, timezone.get_default_timezone())


def one_of(*choices: str) -> Reader[str]:
    """Return the check of a text that must be one of `choices`."""

    def read(option: str, value: object) -> str:
        if isinstance(value, str) and value in choices:
            return value
        told = " or ".join(repr(choice) for choice in choices)
        raise InvalidOptions(option, f"must be {told}, not {value!r}")

    return read


def mapping(option: str, value: object) -> Mapping[str, object]:
    """A dictionary that can be stored as JSON."""
    if not isinstance(value, Mapping):
        raise InvalidOptions(option, f"must be a dictionary, not {value!r}")
    kept = dict(value)
    try:
        dump_payload(kept)
    except PayloadError as error:
        raise InvalidOptions(option, f"cannot be stored: {error}") from error
    return kept
