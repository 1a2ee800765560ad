"""The supervisor: keeps its child processes running, and tells the store at once who died."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django_jobqueue.core.clock import monotonic
from django_jobqueue.events import EventBus
from django_jobqueue.service import ServiceTaskKind, StopReceiver, TaskError, TickingTask
from django_jobqueue.store import JobStore

from .children import ChildProcess
from .messages import Hurry, Message, Stop
from .obituaries import Obituaries, Obituary

#: Starts the child of a place; the second argument is called when it must be looked at.
Start = Callable[[str, Callable[[], None]], ChildProcess]

#: The name of the place where suspects run.
QUARANTINE = "quarantine"


@dataclass
class Place:
    """Where one child runs, and another after it."""

    name: str
    child: ChildProcess | None = None
    #: Those that retired: they end by themselves, once their jobs have.
    retiring: list[ChildProcess] = field(default_factory=list)
    futile: int = 0  #: children in a row that died young, and of no job
    start_at: float = 0.0
    is_done: bool = False  #: its child ended well, and is not replaced

    @property
    def children(self) -> list[ChildProcess]:
        child = self.child  # once: other threads ask, and it may be buried meanwhile
        return [*self.retiring, *([] if child is None else [child])]

    def leave(self, child: ChildProcess) -> None:
        if child is self.child:
            self.child = None
        else:
            self.retiring.remove(child)


class Supervisor(TickingTask):
    """Starts a child for each place, replaces the one that ends, and releases what the dead held.

    One place more, the quarantine, has a child only while suspects wait in queues that it `serves`:
    jobs whose worker died while they ran are run there, alone, so that only the one that kills its
    process is blamed. `store` is one for suspects.

    With `until_empty`, a child that ends well has found nothing due: it is not replaced, and
    `on_empty` is called when all have ended so.
    """

    id = "supervisor"
    kind = ServiceTaskKind.TASK
    #: A child that lived as long as this did not die of its start.
    LONG_LIFE_SECONDS = 10.0
    FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
    #: How many children of `until_empty` may die young before the command gives up.
    FUTILE_STARTS = 3
    KILLED_SECONDS = 5.0
    #: How long children that were told to hurry have, before they are killed.
    HURRY_SECONDS = 1.0
    #: How often to look for suspects that another host's workers left.
    SUSPECTS_SECONDS = 5.0

    def __init__(
        self,
        *,
        places: Sequence[str],
        start: Start,
        store: JobStore,
        serves: Callable[[str], bool],
        wake: Callable[[], object],
        has_started: Callable[[], object] = lambda: None,
        events: EventBus,
        stop_seconds: float,
        on_empty: Callable[[], object] | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(interval=1.0, backoff=0.1, max_backoff=2.0)
        self._places = [Place(name) for name in places]
        self._quarantine = Place(QUARANTINE, is_done=True)
        self._start, self._store = start, store
        self._serves = serves
        self._wake_pumps, self._events, self._elapsed = wake, events, elapsed
        self._stop_seconds, self._on_empty = stop_seconds, on_empty
        self._hurried_until, self._has_started = math.inf, has_started
        self._obituaries = Obituaries(events)
        self._next_look_for_suspects = 0.0
        self._is_stopping = False
        self.ended = threading.Event()  #: set once no child is left and the store knows of it

    # Called from other threads.

    @property
    def children(self) -> list[ChildProcess]:
        """The processes that live, or whose end was not looked at yet."""
        return [child for place in self._all_places for child in place.children]

    def tell_all(self, message: Message) -> None:
        for child in self.children:
            child.tell(message)

    def hurry(self) -> None:
        """Have what still runs given back at once, and wait no longer for who does not listen."""
        self._hurried_until = min(self._hurried_until, self._elapsed() + self.HURRY_SECONDS)
        self.tell_all(Hurry())

    def suspects_were_found(self) -> None:
        """Jobs were taken back from a dead worker: see to them at once."""
        self._next_look_for_suspects = 0.0
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
        for place in self._all_places:
            self._clear(place)
        try:
            self._tell_the_store()
            self._look_for_suspects()
        finally:
            # A store that does not answer keeps no child from being replaced.
            for place in self._all_places:
                self._fill(place)
        if self._on_empty is not None and all(place.is_done for place in self._all_places):
            self._on_empty()
        now = self._elapsed()
        pauses = [place.start_at - now for place in self._all_places if self._wants_child(place)]
        return max(0.0, min(pauses)) if pauses else None

    @property
    def _all_places(self) -> list[Place]:
        return [*self._places, self._quarantine]

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
        if place.child is not None and place.child.is_retiring:
            self._events.emit(
                "child.retires",
                child=place.name,
                pid=place.child.pid,
                why=place.child.retires_because,
            )
            place.retiring.append(place.child)
            place.child = None

    def _bury(self, child: ChildProcess, place: Place) -> None:
        """Take a child that has ended out of its place, and note what the store must be told."""
        # What we kill ourselves, because it did not stop in time, is not the fault of its jobs.
        started = [] if self._is_stopping else child.marks.started()
        child.close()  # what it said last is heard by now
        # A handler may end the process with any status, that of success included.
        ended_well = child.ended_well and not started
        self._obituaries.add(Obituary(child.membership.worker_id, ended_well, started, child.cause))
        event = "child.ended" if ended_well else "child.died"
        self._events.emit(event, child=place.name, pid=child.pid, cause=child.cause)
        was_current = child is place.child
        place.leave(child)
        if was_current and not self._is_stopping:
            ends_when_empty = place is self._quarantine or self._on_empty is not None
            # One that retired left the rest to its successor.
            place.is_done = ends_when_empty and ended_well and not child.is_retiring
            self._pause_after(child, place, was_running_jobs=bool(started))

    def _pause_after(self, child: ChildProcess, place: Place, *, was_running_jobs: bool) -> None:
        """What dies of a job is replaced at once: quarantine keeps that from going on for ever."""
        if child.ended_well or was_running_jobs or child.age_seconds >= self.LONG_LIFE_SECONDS:
            place.futile = 0
            return
        place.futile += 1
        if self._on_empty is not None and place.futile >= self.FUTILE_STARTS:
            raise TaskError(f"child {place.name} does not start: it {child.cause}")
        pause = min(self.FIRST_PAUSE * 2 ** min(place.futile - 1, 16), self.LONGEST_PAUSE)
        place.start_at = self._elapsed() + pause

    def _tell_the_store(self) -> None:
        released = self._obituaries.tell(self._store)
        if released.suspects:
            self._next_look_for_suspects = 0.0
        if released.queues:
            self._wake_pumps()
            self._store.notify(sorted(released.queues))

    def _look_for_suspects(self) -> None:
        if self._quarantine.is_done and self._elapsed() >= self._next_look_for_suspects:
            self._next_look_for_suspects = self._elapsed() + self.SUSPECTS_SECONDS
            self._quarantine.is_done = not self._suspects_wait()

    def _suspects_wait(self) -> bool:
        """A paused queue keeps its suspects, and no process starts in vain for them."""
        served = set(filter(self._serves, self._store.queues_with_ready_jobs()))
        return bool(served and served - self._store.paused_queues(served))

    # The end.

    def _stop_children(self) -> None:
        self.tell_all(Stop())
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
