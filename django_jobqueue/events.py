"""Facts about what happened, for whoever subscribed: logs, metrics and tests. Knows no subscriber.

Names are past facts, `job.succeeded`, `worker.registered`; facts are values. A subscriber that
raises is told to the standard logger and hurts nobody else.

Spans are what takes time, `jobs.enqueue` and `job.run`: a subscriber surrounds them, in the thread
and context in which they happen.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

logger = logging.getLogger("django_jobqueue.events")

Subscriber = Callable[[str, Mapping[str, object]], None]
Wants = Callable[[str], bool]
Facts = dict[str, object]
#: Returns what surrounds one span; the facts may be added to on both sides.
SpanSubscriber = Callable[[str, Facts], AbstractContextManager[object]]


class Span:
    """Enters what subscribers surround a span with, and leaves it in reverse.

    An error of the body goes through all of them and on to the caller, whatever they make of it.
    """

    __slots__ = ("_entered", "_facts", "_name", "_subscribers")

    def __init__(
        self, name: str, facts: Facts, *, subscribers: tuple[tuple[SpanSubscriber, Wants], ...]
    ) -> None:
        self._name, self._facts, self._subscribers = name, facts, subscribers
        self._entered: list[AbstractContextManager[object]] = []

    def __enter__(self) -> Facts:
        for subscriber, wants in self._subscribers:
            try:
                if wants(self._name):
                    surrounding = subscriber(self._name, self._facts)
                    surrounding.__enter__()
                    self._entered.append(surrounding)
            except Exception:
                self._tell_failure()
        return self._facts

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for surrounding in reversed(self._entered):
            try:
                surrounding.__exit__(kind, error, traceback)
            except Exception as raised:
                if raised is not error:
                    self._tell_failure()

    def _tell_failure(self) -> None:
        logger.exception("a subscriber of the span %r failed", self._name)


class EventBus:
    """Hands each emitted event to every subscriber, in the thread that emitted it."""

    def __init__(self) -> None:
        self._subscribers: tuple[tuple[Subscriber, Wants], ...] = ()
        self._of_spans: tuple[tuple[SpanSubscriber, Wants], ...] = ()

    def subscribe(self, subscriber: Subscriber, *, wants: Wants = lambda name: True) -> None:
        """Add `subscriber(name, facts)`; adding one twice calls it once.

        It is called for the events that it `wants` at that moment, everything unless said; of jobs
        that were claimed or written together, it is asked once.
        """
        if all(subscriber != other for other, _ in self._subscribers):
            self._subscribers = (*self._subscribers, (subscriber, wants))

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove `subscriber`; one that is not there is no error."""
        self._subscribers = tuple(kept for kept in self._subscribers if kept[0] != subscriber)

    def subscribe_span(
        self, subscriber: SpanSubscriber, *, wants: Wants = lambda name: True
    ) -> None:
        """Surround spans with the context manager that `subscriber(name, facts)` returns; adding
        one twice calls it once. It is asked for those that it `wants` at that moment; of jobs that
        were claimed together, once.

        `job.run`: a handler is called, in its thread and context; `job` is a ClaimedJob, and
        `outcome` is there at the end unless the handler raised. `jobs.enqueue`: jobs are stored;
        `jobs` are NewJobs, to whose meta what is set as `meta` is added, and `answers` are there at
        the end.
        """
        if all(subscriber != other for other, _ in self._of_spans):
            self._of_spans = (*self._of_spans, (subscriber, wants))

    def unsubscribe_span(self, subscriber: SpanSubscriber) -> None:
        """Remove `subscriber`; one that is not there is no error."""
        self._of_spans = tuple(kept for kept in self._of_spans if kept[0] != subscriber)

    def hears(self, name: str) -> bool:
        """Whether anybody wants to know; where nobody does, emitting can be skipped."""
        return bool(_wanting(name, self._subscribers))

    def listeners(self, name: str) -> Sequence[Subscriber]:
        """Return those who want to know now: `emit_to` them asks nobody again."""
        return _wanting(name, self._subscribers)

    def surrounds(self, name: str) -> bool:
        """Whether anybody wants to surround spans of this name; where nobody does, `span` can be
        skipped.
        """
        return bool(_wanting(name, self._of_spans))

    def emit(self, name: str, **facts: object) -> None:
        """Tell every subscriber that wants to know that `name` happened."""
        for subscriber, wants in self._subscribers:
            try:
                if wants(name):
                    subscriber(name, facts)
            except Exception:
                logger.exception("a subscriber of %r failed", name)

    @staticmethod
    def emit_to(listeners: Sequence[Subscriber], name: str, **facts: object) -> None:
        """Tell those who were found to want it that `name` happened."""
        for listener in listeners:
            try:
                listener(name, facts)
            except Exception:
                logger.exception("a subscriber of %r failed", name)

    def span(self, name: str, **facts: object) -> Span:
        """Return what to do under the name in a `with` block; it binds the facts."""
        return Span(name, facts, subscribers=self._of_spans)


def _wanting(name: str, subscribers: tuple[tuple[Any, Wants], ...]) -> list[Any]:
    found = []
    for subscriber, wants in subscribers:
        try:
            if wants(name):
                found.append(subscriber)
        except Exception:
            logger.exception("a subscriber of %r failed", name)
    return found


#: The bus of this process.
events: EventBus = EventBus()
