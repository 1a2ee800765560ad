"""What a pump tells of its exchanges with the database, as far as anybody hears it."""

from collections.abc import Callable, Container, Mapping, Sequence

import msgspec

from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus

EVENTS: Mapping[JobState, str] = {
    JobState.SUCCEEDED: "job.succeeded",
    JobState.CANCELLED: "job.cancelled",
    JobState.DEAD: "job.dead",
}
RESCHEDULED = "job.rescheduled"


class Outcomes(msgspec.Struct, frozen=True):
    """What one write brought to its end."""

    finished: tuple[FinishedJob, ...]


class Telling:
    """An event for each exchange, one for each write, and one for each claim that came to an end:
    who counts needs no event per job.
    """

    def __init__(self, events: EventBus, *, elapsed: Callable[[], float]) -> None:
        self._events, self._elapsed = events, elapsed

    def exchanged(self, began_at: float, *, written: int, claimed: int) -> None:
        """Outcomes were written and jobs were claimed, since then."""
        if self._events.hears("pump.exchanged"):
            seconds = self._elapsed() - began_at
            self._events.emit("pump.exchanged", written=written, claimed=claimed, seconds=seconds)

    def ended(self, finished: Sequence[FinishedJob], held: Container[int]) -> None:
        """These were written, as far as their claims held."""
        if not finished:
            return
        if self._events.hears("outcomes.written"):
            written = tuple(done for done in finished if done.id in held)
            if written:
                self._events.emit("outcomes.written", outcomes=Outcomes(written))
        listeners = {name: self._events.listeners(name) for name in (*EVENTS.values(), RESCHEDULED)}
        for done in finished if any(listeners.values()) else ():
            name = EVENTS.get(done.transition.state, RESCHEDULED)
            if listeners[name] and done.id in held:
                self._events.emit_to(
                    listeners[name],
                    name,
                    job=done.job,
                    transition=done.transition,
                    wait_seconds=done.wait_seconds,
                    run_seconds=done.run_seconds,
                )
