"""The end of a worker: what runs may end, the rest is given back."""

from collections.abc import Callable, Sequence

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.errors import JobReleased
from django_jobqueue.core.grace import without_note
from django_jobqueue.core.specs import AttemptReport, ClaimedJob, FinishedJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus

from .answers import with_log
from .hands import HeldJob, InHand
from .hearing import Wake
from .leaving import Leaving
from .outbox import Outbox
from .slots import Slots

#: A job that was claimed and not started goes back as it was.
UNTOUCHED = Transition(state=JobState.READY, attempt_change=-1, keeps_place=True)
INTERRUPTED = Transition(
    state=JobState.READY,
    attempt_change=-1,
    keeps_place=True,
    report=AttemptReport(outcome="released", message=JobReleased.message),
)

#: What a process says that ends although handlers did not.
GIVEN_UP = "handlers were still running and were given up"


def given_back(jobs: Sequence[HeldJob]) -> list[FinishedJob]:
    """Return what to write for jobs that may run elsewhere, their attempt unspent."""
    return [_interrupted(one) if one.has_started else untouched(one.job) for one in jobs]


def untouched(job: ClaimedJob) -> FinishedJob:
    """Return what to write for a job that was not started here, and may be elsewhere."""
    return FinishedJob(job, UNTOUCHED)


def _interrupted(held: HeldJob) -> FinishedJob:
    transition = with_log(without_note(held.job, INTERRUPTED), held.log_lines)
    return held.finished(transition)


class Drain:
    """Waits for what runs, `seconds` at most, then interrupts it with `release` and gives it back.
    What the database has not taken by then is left to `leaving`.
    """

    #: How long interrupted handlers have to end before they are given up; the second is for a
    #: worker that was told to hurry.
    INTERRUPT_SECONDS, HURRY_SECONDS = 2.0, 0.5
    #: When to see to outcomes although a write has not returned: a network that swallows packets
    #: may hold it up until a supervisor kills this process.
    HUNG_SECONDS = 1.0

    def __init__(
        self,
        *,
        in_hand: InHand,
        slots: Slots,
        outbox: Outbox,
        release: Callable[[HeldJob], object] = HeldJob.interrupt,
        events: EventBus,
        seconds: float,
        leaving: Leaving | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._in_hand, self._slots, self._outbox = in_hand, slots, outbox
        self._events, self._seconds, self._elapsed = events, seconds, elapsed
        self._leaving = leaving
        self._release = release
        self._until: float | None = None
        self._interrupt_seconds = self.INTERRUPT_SECONDS

    def hurry(self) -> None:
        """Give back at once what still runs; from any thread, before or during the drain."""
        self._interrupt_seconds = self.HURRY_SECONDS
        self._until = self._elapsed()
        self.expect()

    def expect(self) -> None:
        """The end was asked for: see to outcomes also if `run` is not reached, because the pump
        waits for a database that does not answer; from any thread.
        """
        if self._leaving is not None:
            left = self._seconds if self._until is None else max(0.0, self._until - self._elapsed())
            self._leaving.expect(self._outbox.rest, hung_after=left + self.HUNG_SECONDS)

    @property
    def seconds_left(self) -> float:
        """For how long receivers may yet be told what ended, once nothing is left to be written."""
        left = 0.0 if self._until is None else self._until - self._elapsed()
        return max(0.0, left) + self.HURRY_SECONDS

    def run(self, wake: Wake) -> bool:
        """Return whether every handler has ended. `wake` is set when an outcome has come."""
        self._events.emit("worker.draining", in_hand=len(self._in_hand))
        if self._until is None:
            self._until = self._elapsed() + self._seconds
        self._outbox.give_back(given_back(self._slots.take_back()))
        if self._leaving is None:
            return self._settle(wake)
        left = max(0.0, self._until - self._elapsed())
        with self._leaving.at_last(self._outbox.rest, hung_after=left + self.HUNG_SECONDS):
            return self._settle(wake)

    def _settle(self, wake: Wake) -> bool:
        self._write_until(lambda: self._until or 0.0, wake)
        running = self._in_hand.all()
        for held in running:
            self._release(held)
        have_ended = self._slots.stop(timeout=self._interrupt_seconds)
        self._outbox.give_back(given_back([one for one in running if not one.is_written]))
        until = self._elapsed() + self._interrupt_seconds
        self._write_until(lambda: until, wake)
        return have_ended

    def _write_until(self, deadline: Callable[[], float], wake: Wake) -> None:
        """Write outcomes as they come, until nothing is in hand or the deadline has passed."""
        while True:
            wake.clear()
            self._outbox.write()
            left = deadline() - self._elapsed()
            if not len(self._in_hand) or left <= 0:
                return
            if not len(self._outbox) or self._outbox.retry_in:
                wake.wait(min(left, self._outbox.retry_in or left))
