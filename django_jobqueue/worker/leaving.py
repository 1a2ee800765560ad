"""The outcomes that a worker could not write before its end."""

from collections.abc import Sequence
from uuid import uuid4

import msgspec

from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.errors import SpoolUnusable
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus
from django_jobqueue.store.spool import Entry, Kind, Spool


class Leaving:
    """Keeps them in the spool, for the next worker of this host to write; without one they are
    dropped, and their jobs rescued.
    """

    def __init__(self, spool: Spool | None, *, events: EventBus) -> None:
        self._spool, self._events = spool, events

    def leave(self, finished: Sequence[FinishedJob]) -> None:
        """Never raises: the worker has to end."""
        if not finished:
            return
        if self._spool is None:
            self._events.emit("outcomes.dropped", count=len(finished))
            return
        now = SystemClock().now()
        entries = [
            Entry(
                receipt=uuid4(),
                kind=Kind.OUTCOME,
                spooled_at=now,
                content=msgspec.json.encode(done).decode(),
            )
            for done in finished
        ]
        try:
            self._spool.add(entries)
        except SpoolUnusable as error:
            self._events.emit("outcomes.dropped", count=len(finished), error=error)
        else:
            self._events.emit("outcomes.spooled", count=len(finished), spool=self._spool.path)
