"""The outcomes that a worker could not write before its end."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import uuid4

import msgspec

from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.errors import SpoolUnusable
from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.events import EventBus
from django_jobqueue.store.spool import Entry, Kind, Spool

from .hands import Claim


class Leaving:
    """Keeps them in the spool, for the next worker of this host to write; without one they are
    dropped, and their jobs rescued.
    """

    def __init__(self, spool: Spool | None, *, events: EventBus) -> None:
        self._spool, self._events = spool, events
        self._kept: set[Claim] = set()
        self._keeping, self._expecting = threading.Lock(), threading.Lock()
        #: The last one counts; those before are cancelled, and may take a moment to end.
        self._timers: list[threading.Timer] = []
        self._is_over = False

    def expect(self, rest: Callable[[], Sequence[FinishedJob]], *, hung_after: float) -> None:
        """Leave the `rest` in so many seconds, from another thread, unless a block of `at_last` has
        ended by then; what was said last counts, and after such a block nothing does. What is
        written after all is known by its claim at the flush.
        """
        early = threading.Timer(hung_after, self._keep_early, (rest,))
        early.name, early.daemon = "jobqueue-leaving", True
        with self._expecting:
            if self._is_over:  # whoever asked for the end may say so a moment too late
                return
            for earlier in self._timers:
                earlier.cancel()
            self._timers.append(early)
            early.start()

    @contextmanager
    def at_last(
        self, rest: Callable[[], Sequence[FinishedJob]], *, hung_after: float
    ) -> Iterator[None]:
        """Leave the `rest` after the block; where that takes too long, also then."""
        self.expect(rest, hung_after=hung_after)
        try:
            yield
        finally:
            self._expect_no_more()
            self.leave(rest())

    def _expect_no_more(self) -> None:
        with self._expecting:
            timers, self._timers, self._is_over = self._timers, [], True
        for timer in timers:
            timer.cancel()
            timer.join()

    def leave(self, finished: Sequence[FinishedJob]) -> None:
        """Never raises: the worker has to end."""
        if not finished:
            return
        if self._spool is None:
            self._events.emit("outcomes.dropped", count=len(set(map(_claim, finished))))
            return
        try:
            self._keep(finished, self._spool)
        except SpoolUnusable as error:
            self._events.emit(
                "outcomes.dropped", count=len(set(map(_claim, finished))), error=error
            )

    def _keep_early(self, rest: Callable[[], Sequence[FinishedJob]]) -> None:
        if self._spool is not None:
            with suppress(SpoolUnusable):  # tried again, and told, at the end
                self._keep(rest(), self._spool)

    def _keep(self, finished: Sequence[FinishedJob], spool: Spool) -> None:
        with self._keeping:
            # Of two outcomes of one claim the first counts.
            new = {_claim(done): done for done in reversed(finished)}
            new = {claim: done for claim, done in new.items() if claim not in self._kept}
            if new:
                spool.add([_entry_of(done) for done in reversed(new.values())])
                self._kept |= new.keys()
                self._events.emit("outcomes.spooled", count=len(new), spool=spool.path)


def _claim(done: FinishedJob) -> Claim:
    return done.job.id, done.job.claim_token


def _entry_of(done: FinishedJob) -> Entry:
    return Entry(
        receipt=uuid4(),
        kind=Kind.OUTCOME,
        spooled_at=SystemClock().now(),
        content=msgspec.json.encode(done).decode(),
    )
