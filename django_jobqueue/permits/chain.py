"""All permits of one job, taken in order, or none; left in reverse."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial

from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.events import EventBus
from django_jobqueue.service.threads import caught

from .base import PermitStrategy, Refusal, TryAfter
from .holding import Hold

#: A strategy is asked nothing more while so many of its answers are overdue: each holds a thread.
MOST_OVERDUE = 10

Awaited = Iterator[Future[None]]


class Chain:
    """`take` and `leave` yield what to wait for, in a thread or in an event loop, and no longer
    than a strategy may take.
    """

    def __init__(
        self,
        strategies: tuple[PermitStrategy, ...],
        hold: Callable[[PermitStrategy], Hold | None],
        failed: Callable[[PermitStrategy, BaseException], object],
    ) -> None:
        self._strategies, self._hold, self._failed = strategies, hold, failed
        self._holds: list[Hold] = []
        self.is_complete = False  #: all is granted
        self.refusal: Refusal | None = None
        self.refused_by: PermitStrategy | None = None
        self.error: BaseException | None = None

    def take(self) -> Awaited:
        """Ask one strategy after the other, until one does not grant: see `refusal` and `error`."""
        for strategy in self._strategies:
            hold = self._hold(strategy)
            if hold is not None:
                self._holds.append(hold)
                hold.start()
                yield hold.answered
                if hold.is_granted:
                    continue
                self.error = hold.error if hold.answered.done() else None
            self.refused_by = strategy
            if self.error is None:
                self.refusal = hold.refusal if hold and hold.refusal else TryAfter()
            return
        self.is_complete = True

    def tell(self, job: ClaimedJob, *, has_failed: bool) -> None:
        """Tell each strategy what came of the run."""
        for strategy in self._strategies:
            error = caught(partial(strategy.ran, job, has_failed=has_failed))
            if error is not None:
                self._failed(strategy, error)

    def leave(self) -> Awaited:
        """Let go of everything, the last first, whether it was granted or may yet be."""
        while self._holds:
            hold = self._holds.pop()
            hold.let_go()
            if hold.is_granted:
                yield hold.left


class Chains:
    """Makes the chain of each job; `loop` and `at_end` are those of a Hold."""

    def __init__(
        self,
        *,
        loop: Callable[[], asyncio.AbstractEventLoop],
        at_end: Callable[[], None],
        events: EventBus,
    ) -> None:
        self._loop, self._at_end, self._events = loop, at_end, events
        self._lock = threading.Lock()
        self._unanswered: dict[int, list[Hold]] = {}  #: by the identity of the strategy

    def of(self, strategies: tuple[PermitStrategy, ...], job: ClaimedJob) -> Chain:
        def failed(strategy: PermitStrategy, error: BaseException) -> None:
            told = {"job": job, "strategy": _name(strategy), "error": error}
            self._events.emit("job.permit_failed", **told)

        def hold(strategy: PermitStrategy) -> Hold | None:
            made = Hold(strategy, job, loop=self._loop, at_end=self._at_end, failed=failed)
            return made if self._may_ask(made) else None

        return Chain(strategies, hold, failed)

    def _may_ask(self, hold: Hold) -> bool:
        with self._lock:
            earlier = self._unanswered.get(id(hold.strategy), [])
            unanswered = [one for one in earlier if not one.answered.done()]
            may_ask = sum(one.is_overdue for one in unanswered) < MOST_OVERDUE
            self._unanswered[id(hold.strategy)] = [*unanswered, hold] if may_ask else unanswered
        return may_ask


def _name(strategy: PermitStrategy) -> str:
    return type(strategy).__qualname__
