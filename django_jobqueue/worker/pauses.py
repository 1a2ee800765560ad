"""Pauses that come after the claim: what waits in this worker must not start any more."""

from collections.abc import Callable

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store import JobStore

from .hands import HeldJob, InHand
from .slots import Slots


class Pauses:
    """While jobs wait in hand, asks every `seconds` which of their queues were paused.

    The claim itself says so of what it takes, so where nothing waits nothing is asked.
    """

    def __init__(
        self,
        store: JobStore,
        *,
        in_hand: InHand,
        slots: Slots,
        seconds: float,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._in_hand, self._slots = store, in_hand, slots
        self._seconds, self._elapsed = seconds, elapsed
        self._look_at = 0.0

    def take_back(self) -> list[HeldJob]:
        """Return the jobs of paused queues that had not begun; they will not run."""
        if not self._slots.have_waiting:
            self._look_at = self._elapsed() + self._seconds
            return []
        if self.due_in:
            return []
        self._look_at = self._elapsed() + self._seconds
        paused = self._store.paused_queues({held.job.queue for held in self._in_hand.all()})
        return self._slots.take_back_of(paused) if paused else []

    @property
    def due_in(self) -> float:
        """Seconds until it asks again, if jobs still wait then."""
        return max(0.0, self._look_at - self._elapsed())
