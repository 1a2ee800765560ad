"""What a pump tells of its exchanges with the database, as far as anybody hears it."""

from collections.abc import Callable, Container, Mapping, Sequence

import msgspec

from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus, Subscriber

from .hands import HeldJob

EVENTS: Mapping[JobState, str] = {
    JobState.SUCCEEDED: "job.succeeded",
    JobState.CANCELLED: "job.cancelled",
    JobState.DEAD: "job.dead",
}
RESCHEDULED = "job.rescheduled"


class Outcomes(msgspec.Struct, frozen=True):
    """What one write brought to its end."""

    finished: tuple[FinishedJob, ...]


class Written(msgspec.Struct, frozen=True):
    """What one write is to be told of: the jobs whose claims were `held`, to those who hear of
    their states. What runs left in their contexts is kept with `ended` until then.
    """

    finished: Sequence[FinishedJob]
    held: Container[int]
    ended: Sequence[HeldJob]
    listeners: Mapping[JobState, Sequence[Subscriber]]


class Telling:
    """An event for each exchange, one for each write, and one for each claim that came to an end:
    who counts needs no event per job. In the thread of the pump, before it goes on.
    """

    def __init__(self, events: EventBus, *, elapsed: Callable[[], float]) -> None:
        self._events, self._elapsed = events, elapsed

    def exchanged(self, began_at: float, *, written: int, claimed: int) -> None:
        """Outcomes were written and jobs were claimed, since then."""
        if self._events.hears("pump.exchanged"):
            seconds = self._elapsed() - began_at
            self._events.emit("pump.exchanged", written=written, claimed=claimed, seconds=seconds)

    def ended(
        self,
        finished: Sequence[FinishedJob],
        held: Container[int],
        ended: Sequence[HeldJob] = (),
    ) -> None:
        """These were written, as far as their claims held; `ended` is what was in hand of them."""
        listeners = {
            state: self._events.listeners(EVENTS.get(state, RESCHEDULED))
            for state in {done.transition.state for done in finished}
        }
        if any(listeners.values()) or self._events.hears("outcomes.written"):
            self._tell(Written(finished, held, ended, listeners))

    def begin(self) -> None:
        """The database is at work, or nothing is asked of it soon: now there is time to tell."""

    def tell_rest(self) -> bool:
        """Have everything told; return whether there was anything since this was last asked."""
        return False

    def close(self, seconds: float) -> None:
        """Have everything told that can be within so long, and let go of what that took."""

    def _tell(self, written: Written) -> None:
        if self._events.hears("outcomes.written"):
            outcomes = tuple(done for done in written.finished if done.id in written.held)
            if outcomes:
                self._events.emit("outcomes.written", outcomes=Outcomes(outcomes))
        for done in written.finished if any(written.listeners.values()) else ():
            state = done.transition.state
            if (listeners := written.listeners[state]) and done.id in written.held:
                self._emit(listeners, EVENTS.get(state, RESCHEDULED), done)

    def _emit(self, listeners: Sequence[Subscriber], name: str, done: FinishedJob) -> None:
        self._events.emit_to(
            listeners,
            name,
            job=done.job,
            transition=done.transition,
            wait_seconds=done.wait_seconds,
            run_seconds=done.run_seconds,
        )
