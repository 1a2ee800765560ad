"""Facts about what happened, for whoever subscribed: logs, metrics and tests. Knows no subscriber.

Names are past facts, `job.succeeded`, `worker.registered`; facts are values. A subscriber that
raises is told to the standard logger and hurts nobody else.
"""

import logging
from collections.abc import Callable, Mapping

logger = logging.getLogger("django_jobqueue.events")

Subscriber = Callable[[str, Mapping[str, object]], None]
Wants = Callable[[str], bool]


class EventBus:
    """Hands each emitted event to every subscriber, in the thread that emitted it."""

    def __init__(self) -> None:
        self._subscribers: tuple[tuple[Subscriber, Wants], ...] = ()

    def subscribe(self, subscriber: Subscriber, *, wants: Wants = lambda name: True) -> None:
        """Add `subscriber(name, facts)`; adding one twice calls it once.

        It is called for the events that it `wants` at that moment, everything unless said.
        """
        if all(subscriber != other for other, _ in self._subscribers):
            self._subscribers = (*self._subscribers, (subscriber, wants))

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove `subscriber`; one that is not there is no error."""
        self._subscribers = tuple(kept for kept in self._subscribers if kept[0] != subscriber)

    def hears(self, name: str) -> bool:
        """Whether anybody wants to know; where nobody does, emitting can be skipped."""
        return any(wants(name) for _, wants in self._subscribers)

    def emit(self, name: str, **facts: object) -> None:
        """Tell every subscriber that wants to know that `name` happened."""
        for subscriber, wants in self._subscribers:
            try:
                if wants(name):
                    subscriber(name, facts)
            except Exception:
                logger.exception("a subscriber of %r failed", name)


#: The bus of this process.
events = EventBus()
