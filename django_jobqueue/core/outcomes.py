"""What became of one run: what a handler answers, and what happens to it from outside.

A handler returns or raises the first six; any other value that it returns is `Succeed(value)`, any
other exception is `Fail`. They are exceptions so that `raise Discard("no such account")` works from
any depth.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from django_jobqueue.core.clock import Seconds, seconds_of
from django_jobqueue.core.error_text import ErrorDescription
from django_jobqueue.core.states import DeathReason


class Answer(Exception):
    """Base of the outcomes that a handler may return or raise."""


class _Later(Answer):
    """Base of those that say when the job is to run again.

    ValueError for what names no time, in the handler's own line, where it can be found.
    """

    delay: Seconds | None
    at: datetime | None

    def __post_init__(self) -> None:
        if self.delay is not None and not _is_finite(self.delay):
            raise ValueError(
                f"{type(self).__name__}(delay={self.delay!r}): delay must be a finite number of "
                "seconds or a timedelta"
            )
        if self.at is not None and not _is_aware(self.at):
            raise ValueError(
                f"{type(self).__name__}(at={self.at!r}): at must be a datetime with a time zone; "
                "without one it names no moment"
            )


@dataclass(eq=False)
class Succeed(Answer):
    """Done; `result` is stored with the job."""

    result: object = None


@dataclass(eq=False)
class Retry(_Later):
    """Try again, this attempt spent; not sooner than the backoff unless `exact`."""

    reason: str = ""
    delay: Seconds | None = None
    at: datetime | None = None
    exact: bool = False


@dataclass(eq=False)
class Snooze(_Later):
    """Look again later, no attempt spent; not sooner than the backoff."""

    delay: Seconds | None = None
    at: datetime | None = None


@dataclass(eq=False)
class Cancel(Answer):
    """Nothing to do any more; the job ends in the archive as cancelled."""

    reason: str = ""


@dataclass(eq=False)
class Discard(Answer):
    """Give up for good; the job becomes a dead letter, `discarded`."""

    reason: str = ""


@dataclass(eq=False)
class Unprocessable(Answer):
    """These arguments can never work; the job becomes a dead letter, `unprocessable`.

    With `error` the record tells of that error, as of one that was raised.
    """

    reason: str = ""
    error: ErrorDescription | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """The handler raised; `retryable` says whether another attempt is worth it."""

    error: ErrorDescription
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class Release:
    """The run was given back unspent: nobody was to blame, and it may run again after `delay`
    seconds.
    """

    reason: str
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Rescue:
    """The process in which the handler ran, alone, has died; `cause` says how."""

    cause: str


@dataclass(frozen=True, slots=True)
class Bury:
    """The job was not run at all, because it may not run any more."""

    reason: DeathReason
    message: str


Outcome = (
    Succeed | Retry | Snooze | Cancel | Discard | Unprocessable | Fail | Release | Rescue | Bury
)


def _is_finite(delay: object) -> bool:
    try:
        return math.isfinite(seconds_of(delay))  # type: ignore[arg-type]  # that is the question
    except (TypeError, ValueError):
        return False


def _is_aware(moment: object) -> bool:
    return isinstance(moment, datetime) and moment.utcoffset() is not None
