"""Who hears that a handler begins, and who surrounds its call."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.events import EventBus, Span, Subscriber

from .hands import HeldJob


class _Found(NamedTuple):
    claim_token: UUID | None
    listeners: Sequence[Subscriber]
    is_surrounded: bool


class Audience:
    """Asks once for the jobs of a claim: for each of them it would take as long as to read its
    arguments. From any thread.
    """

    def __init__(self, events: EventBus) -> None:
        self._events = events
        self._last = _Found(None, (), is_surrounded=False)

    def begin(self, held: HeldJob) -> None:
        """The handler is about to be called: whoever hears it is told."""
        held.begin()
        if listeners := self._of(held.job).listeners:
            self._events.emit_to(listeners, "job.started", job=held.job)

    def span_of(self, job: ClaimedJob) -> Span | None:
        """Return what surrounds the call, if anything does."""
        return self._events.span("job.run", job=job) if self._of(job).is_surrounded else None

    def _of(self, job: ClaimedJob) -> _Found:
        found = self._last
        if found.claim_token is not job.claim_token:  # to compare UUIDs takes longer
            listeners = self._events.listeners("job.started")
            found = _Found(job.claim_token, listeners, self._events.surrounds("job.run"))
            self._last = found
        return found
