"""The supervisor: keeps its child processes running, and tells the store at once who died."""

import math
import threading
from collections.abc import Callable, Sequence

from django_jobqueue.core.clock import monotonic
from django_jobqueue.events import EventBus
from django_jobqueue.service import ServiceTaskKind, StopReceiver, TaskError, TickingTask
from django_jobqueue.store import JobStore

from .children import ChildProcess
from .messages import Hurry, Message, Retire, Stop, Wake
from .obituaries import Obituaries, Obituary
from .places import Place
from .quarantine import Quarantine
from .stuck_children import StuckChildren

#: Starts the child of a place; the second argument is called when it must be looked at.
Start = Callable[[str, Callable[[], None]], ChildProcess]


class Supervisor(TickingTask):
    """Starts a child for each place, replaces the one that ends, and releases what the dead held.

    The places of the `quarantine` have children only while they are needed: jobs whose worker died
    while they ran are run there, each alone, so that only the one that kills its process is blamed.

    With `until_empty`, a child that ends well has found nothing due: it is not replaced, and
    `on_empty` is called, again and again, while all have ended so and no job is suspect.
    """

    id = "supervisor"
    kind = ServiceTaskKind.TASK
    #: How many children of `until_empty` may die young before the command gives up.
    FUTILE_STARTS = 3
    KILLED_SECONDS = 5.0
    #: How long children that were told to hurry have, before they are killed.
    HURRY_SECONDS = 0.8

    def __init__(
        self,
        *,
        places: Sequence[str],
        start: Start,
        quarantine: Quarantine,
        store: JobStore,
        wake: Callable[[], object],
        has_started: Callable[[], object] = lambda: None,
        events: EventBus,
        stop_seconds: float,
        until_empty: bool = False,
        on_empty: Callable[[], object] = lambda: None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(interval=1.0, backoff=0.1, max_backoff=2.0)
        self._places = [Place(name) for name in places]
        self._quarantine = quarantine
        self._start, self._store = start, store
        self._wake_pumps, self._events, self._elapsed = wake, events, elapsed
        self._stop_seconds, self._until_empty = stop_seconds, until_empty
        self._hurried_until = math.inf
        self._has_started, self._on_empty = has_started, on_empty
        self._obituaries = Obituaries(events)
        self._stuck_children = StuckChildren(events, elapsed=elapsed)
        self._is_stopping = False
        self.is_idle = False  #: with `until_empty`: nothing is due, as far as the children go
        self.ended = threading.Event()  #: set once no child is left and the store knows of it

    # Called from other threads.

    @property
    def children(self) -> list[ChildProcess]:
        """The processes that live, or whose end was not looked at yet."""
        return [child for place in self._all_places for child in place.children]

    def tell_all(self, message: Message) -> None:
        for place in self._all_places:
            place.tell(message)

    def wake_pumps(self, queue: str | None = None) -> None:
        """There may be work. The quarantine wakes its own children, when suspects wait."""
        for place in self._places:
            place.tell(Wake(queue))

    def replace_children(self, why: str) -> None:
        """Have other children take the places of those there are, whose jobs may end; and start
        at once those that wait because they did not start.
        """
        for place in self._all_places:
            place.tell(Retire(why))
            place.forget_the_dead()
        self.wake()

    def hurry(self) -> None:
        """Have what still runs given back at once, and wait no longer for who does not listen."""
        self._hurried_until = min(self._hurried_until, self._elapsed() + self.HURRY_SECONDS)
        self.tell_all(Hurry())

    def suspects_were_found(self) -> None:
        """Jobs were taken back from a dead worker: see to them at once."""
        self.is_idle = False
        self._quarantine.look_soon()
        self.wake()

    # The duty.

    def run(self, stop: StopReceiver) -> None:
        try:
            super().run(stop)
            self._is_stopping = True
            self._stop_children()
        finally:
            self._is_stopping = True
            self._kill_children()
            self.ended.set()
            self._store.close()

    def tick(self) -> float | None:
        """Look at every place; return when a child may be started again."""
        self._stuck_children.look(self.children)
        for place in self._all_places:
            self._clear(place)
        try:
            self._tell_the_store()
            self._quarantine.look()
            self._see_whether_it_is_empty()
        finally:
            for place in self._all_places:
                self._fill(place)  # whether the store answers or not
        return self._next_start_in()

    def _next_start_in(self) -> float | None:
        starts = [place.start_at for place in self._all_places if self._wants_child(place)]
        pauses = [max(0.0, start_at - self._elapsed()) for start_at in starts]
        if self._quarantine.suspects_wait:
            pauses.append(self._quarantine.look_in)
        if (look_in := self._stuck_children.look_in) is not None:
            pauses.append(look_in)
        return min(pauses, default=None)

    def _see_whether_it_is_empty(self) -> None:
        if is_empty := self._until_empty and self._are_all_empty():
            self._quarantine.look_soon()
            self._quarantine.look()
            is_empty = self._are_all_empty()
        self.is_idle = is_empty
        if is_empty:
            self._on_empty()

    def _are_all_empty(self) -> bool:
        return all(place.is_empty for place in self._all_places)

    @property
    def _all_places(self) -> list[Place]:
        return [*self._places, *self._quarantine.places]

    def _wants_child(self, place: Place) -> bool:
        return place.child is None and not place.is_done and not self._is_stopping

    def _fill(self, place: Place) -> None:
        if self._wants_child(place) and self._elapsed() >= place.start_at:
            place.child = self._start(place.name, self.wake)
            self._events.emit("child.started", child=place.name, pid=place.child.pid)
            self._has_started()  # only now `children` has it

    def _clear(self, place: Place) -> None:
        for child in place.children:
            if child.has_ended:
                self._bury(child, place)
        if (current := place.child) is not None and current.is_retiring:
            why = current.retires_because
            self._events.emit("child.retires", child=place.name, pid=current.pid, why=why)
            place.retire()

    def _bury(self, child: ChildProcess, place: Place) -> None:
        """Take a child that has ended out of its place, and note what the store must be told."""
        # Whoever is killed at the stop, for want of time, does not die of its jobs.
        started = [] if self._is_stopping else child.marks.started()
        child.close()  # what it said last is heard by now
        # A handler may end the process with any status, that of success included.
        had_claimed = child.is_loaded or not self._is_stopping
        ended_well = (child.ended_well or not had_claimed) and not started
        self._obituaries.add(Obituary(child.membership.worker_id, ended_well, started, child.cause))
        event = "child.ended" if ended_well else "child.died"
        self._events.emit(event, child=place.name, pid=child.pid, cause=child.cause)
        was_current = child is place.child
        place.leave(child)
        if was_current and not self._is_stopping:
            ends_when_empty = place.runs_suspects or self._until_empty
            # One that retired left the rest to its successor.
            place.is_done = ends_when_empty and ended_well and not child.is_retiring
            place.note_end_of(child, was_running_jobs=bool(started), now=self._elapsed())
            if self._until_empty and place.futile >= self.FUTILE_STARTS:
                raise TaskError(f"child {place.name} does not start: it {child.cause}")

    def _tell_the_store(self) -> None:
        released = self._obituaries.tell(self._store)
        if released.suspects:
            self._quarantine.look_soon()
        if released.queues:
            self._wake_pumps()
            self._store.notify(sorted(released.queues))

    # The end.

    def _stop_children(self) -> None:
        self.tell_all(Stop())
        for child in (child for child in self.children if not child.is_loaded):
            child.kill()  # it would read on for seconds before it hears of anything
        until = self._elapsed() + self._stop_seconds
        for child in self.children:
            while (left := min(until, self._hurried_until) - self._elapsed()) > 0:
                if child.wait(min(left, 0.1)):  # in between, it may have become urgent
                    break

    def _kill_children(self) -> None:
        """Whoever is left by now does not listen; what it held is released for it."""
        for child in self.children:
            child.kill()
        for place in self._all_places:
            for child in place.children:
                if child.wait(self.KILLED_SECONDS):
                    self._bury(child, place)
        try:
            self._tell_the_store()
        except Exception as error:
            # The leases will lapse instead; a stop that was asked for is no failure.
            self._events.emit("worker.left_silently", error=error)
