"""What a handler asks before it runs: strategies of its own, each of which grants or refuses."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.outcomes import Retry, Snooze
from django_jobqueue.core.specs import ClaimedJob

#: Entered before the handler runs, and left after it.
Permit = AbstractContextManager[object] | AbstractAsyncContextManager[object]


@dataclass(frozen=True, slots=True)
class CancelJob:
    """A refusal for good: the job ends in the archive as cancelled."""

    reason: str = "its permit was refused"


@dataclass(frozen=True, slots=True)
class TryAfter:
    """Not now: again after `delay` seconds, not sooner than its backoff; no attempt is spent.

    ValueError for a delay that names no time.
    """

    delay: Seconds = 0

    def __post_init__(self) -> None:
        Snooze(delay=self.delay)  # refuses the same


@dataclass(frozen=True, slots=True)
class MarkSucceeded:
    """There is nothing left to do: the job has succeeded, with this result, and does not run."""

    result: object = None


#: `Retry` is that of handlers: an attempt is spent.
Refusal = CancelJob | TryAfter | Retry | MarkSucceeded
Answer = Permit | Refusal


class PermitStrategy(ABC):
    """Asked before each run of the handlers that name it: `@job(permits=[Breaker()])`."""

    @abstractmethod
    def acquire(self, job: ClaimedJob) -> Answer | Awaitable[Answer]:
        """Grant by returning any context manager, sync or async, or refuse; may be `async def`.

        It is called in a thread of its own, where a sync permit is entered and left, too; what is
        async runs in the worker's event loop. It may wait for `PERMIT_WAIT`, entering included:
        then it counts as `TryAfter()`, and what it still grants is given back at once. What it
        raises is a failed attempt.
        """

    def ran(self, job: ClaimedJob, *, has_failed: bool) -> None:  # noqa: B027 - few need to know
        """Take note that a run which it permitted has ended, before its permit is left.

        `has_failed` for an exception, a timeout or a `Retry`. It is called in a thread of the
        worker, or in its event loop, so it must not wait. What it raises is told as a warning.
        """
