"""Running a job under the permits that its handler asks for, and what is written where one is
refused.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import wait
from contextlib import suppress

import msgspec

from django_jobqueue.core.clock import seconds_of
from django_jobqueue.core.outcomes import Cancel, Outcome, Release, Retry, Succeed
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus
from django_jobqueue.permits.base import CancelJob, MarkSucceeded, Refusal, TryAfter
from django_jobqueue.permits.chain import Awaited, Chain, Chains

from .answers import Answers, unspent
from .draining import untouched
from .hands import HeldJob

#: What is written for a job that was cancelled, or taken away, before it ran; None for any other.
Before = Callable[[HeldJob], FinishedJob | None]

#: However short its backoff, a refused job does not come back at once, again and again.
SHORTEST_SECONDS = 0.1


def _told(chain: Chain, finished: FinishedJob) -> FinishedJob:
    """Let the strategies know what came of the run that they have permitted."""
    report = finished.transition.report
    chain.tell(finished.job, has_failed=bool(report and report.error_type))
    return finished


class Permitted:
    """Runs held jobs with all their permits, and leaves these behind whatever the run has done.

    A strategy has `wait_seconds` for its answer, and a permit as long to be left. Where one is not
    granted, the handler is not called.
    """

    def __init__(
        self, chains: Chains, *, answers: Answers, wait_seconds: float, events: EventBus
    ) -> None:
        self._chains, self._answers = chains, answers
        self._wait_seconds, self._events = wait_seconds, events

    def run(
        self, held: HeldJob, *, before: Before, run: Callable[[HeldJob], FinishedJob]
    ) -> FinishedJob:
        """Return what `run` answers, or what is written instead; `before` is asked once more."""
        chain = self._chains.of(held.handler.permits, held.job)
        try:
            self._wait(chain.take())
            return before(held) or self._instead(held, chain) or _told(chain, run(held))
        finally:
            self._wait(chain.leave())

    async def run_async(
        self, held: HeldJob, *, before: Before, run: Callable[[HeldJob], Awaitable[FinishedJob]]
    ) -> FinishedJob:
        """As `run`, in the event loop, which goes on meanwhile."""
        chain = self._chains.of(held.handler.permits, held.job)
        try:
            with suppress(asyncio.CancelledError):  # `before` says why, or the chain is incomplete
                await self._await(chain.take())
            return before(held) or self._instead(held, chain) or _told(chain, await run(held))
        finally:
            await self._await(chain.leave())

    def _wait(self, awaited: Awaited) -> None:
        for future in awaited:
            wait((future,), timeout=self._wait_seconds)

    async def _await(self, awaited: Awaited) -> None:
        for future in awaited:
            await asyncio.wait((asyncio.wrap_future(future),), timeout=self._wait_seconds)

    def _instead(self, held: HeldJob, chain: Chain) -> FinishedJob | None:
        if chain.is_complete:
            return None
        if chain.error is not None:
            outcome = self._answers.outcome_of_error(chain.error, held)
            return self._answers.finished(held, outcome)
        if chain.refusal is None:
            return untouched(held.job)
        if self._events.hears("job.permit_refused"):
            strategy = type(chain.refused_by).__qualname__
            told = {"job": held.job, "strategy": strategy, "refusal": chain.refusal}
            self._events.emit("job.permit_refused", **told)
        return self._refused(held, chain.refusal)

    def _refused(self, held: HeldJob, refusal: Refusal) -> FinishedJob:
        if isinstance(refusal, Retry):
            return self._answers.finished(held, refusal)
        finished = unspent(self._answers.finished(held, self._outcome_of(held, refusal)))
        if finished.transition.state.is_final:
            return finished
        # It was no run: however often it is refused, it leaves no record of an attempt.
        transition = msgspec.structs.replace(finished.transition, report=None)
        return msgspec.structs.replace(finished, transition=transition)

    def _outcome_of(self, held: HeldJob, refusal: CancelJob | TryAfter | MarkSucceeded) -> Outcome:
        match refusal:
            case CancelJob(reason=reason):
                return Cancel(reason)
            case MarkSucceeded(result=result):
                return Succeed(result)
            case TryAfter(delay=delay):
                wait = max(seconds_of(delay), self._answers.backoff_seconds(held))
                return Release("its permit was refused", max(wait, SHORTEST_SECONDS))
