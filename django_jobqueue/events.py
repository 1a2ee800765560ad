"""Facts about what happened, for whoever subscribed: logs, metrics and tests. Knows no subscriber.

Names are past facts, `job.succeeded`, `worker.registered`; facts are values. A subscriber that
raises is told to the standard logger and hurts nobody else.
"""

import logging
from collections.abc import Callable, Mapping

logger = logging.getLogger("django_jobqueue.events")

Subscriber = Callable[[str, Mapping[str, object]], None]


class EventBus:
    """Hands each emitted event to every subscriber, in the thread that emitted it."""

    def __init__(self) -> None:
        self._subscribers: tuple[Subscriber, ...] = ()

    @property
    def has_subscribers(self) -> bool:
        """False where emitting can be skipped altogether."""
        return bool(self._subscribers)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Add `subscriber(name, facts)`; adding one twice calls it once."""
        if subscriber not in self._subscribers:
            self._subscribers = (*self._subscribers, subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove `subscriber`; one that is not there is no error."""
        self._subscribers = tuple(kept for kept in self._subscribers if kept != subscriber)

    def emit(self, name: str, **facts: object) -> None:
        """Tell every subscriber that `name` happened."""
        for subscriber in self._subscribers:
            try:
                subscriber(name, facts)
            except Exception:
                logger.exception("a subscriber of %r failed", name)


#: The bus of this process.
events = EventBus()
