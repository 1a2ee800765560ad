"""What became of one run: what a handler answers, and what happens to it from outside.

A handler returns or raises the first six; any other value that it returns is `Succeed(value)`, any
other exception is `Fail`. They are exceptions so that `raise Discard("no such account")` works from
any depth.
"""

from dataclasses import dataclass
from datetime import datetime

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.error_text import ErrorDescription
from django_jobqueue.core.states import DeathReason


class Answer(Exception):
    """Base of the outcomes that a handler may return or raise."""


@dataclass(eq=False)
class Succeed(Answer):
    """Done; `result` is stored with the job."""

    result: object = None


@dataclass(eq=False)
class Retry(Answer):
    """Try again, this attempt spent; not sooner than the backoff unless `exact`."""

    reason: str = ""
    delay: Seconds | None = None
    at: datetime | None = None
    exact: bool = False


@dataclass(eq=False)
class Snooze(Answer):
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
    """These arguments can never work; the job becomes a dead letter, `unprocessable`."""

    reason: str = ""


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
class Bury:
    """The job was not run at all, because it may not run any more."""

    reason: DeathReason
    message: str


Outcome = Succeed | Retry | Snooze | Cancel | Discard | Unprocessable | Fail | Release | Bury
