"""How many jobs this process can take, and where they run."""

from collections.abc import Callable, Collection, Iterable, Sequence

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import WantedJobs

from .hands import HeldJob
from .lane import Lane
from .runners import Runners

Ask = tuple[list[WantedJobs], int]


class Slots:
    """Threads for sync handlers and an event loop for async ones.

    Which kind a queue needs is learned from its jobs, so that sync jobs which fill all threads do
    not keep async jobs of another queue waiting. But for `ended` and `replace`, only the pump's
    thread calls these methods. With `alone`, one job is held at a time, whatever it needs.
    """

    def __init__(
        self,
        *,
        sync: Runners,
        asynchronous: Runners,
        alone: bool = False,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._alone, self._elapsed = alone, elapsed
        self._sync = Lane(sync, elapsed=elapsed)
        self._async = Lane(asynchronous, elapsed=elapsed)
        self._lanes = self._sync, self._async
        self._lanes_of: dict[str, set[Lane]] = {}

    def start(self) -> None:
        for lane in self._lanes:
            lane.runners.start()

    @property
    def have_room(self) -> bool:
        if self._alone:
            return not any(lane.held for lane in self._lanes)
        return any(lane.room for lane in self._lanes)

    def asks(self, queues: Sequence[str]) -> list[Ask]:
        """Return what to claim: queues that need the same lanes share their room.

        While one lane is full, what a queue needs that nobody knows yet is found out with one job.
        """
        if self._alone:
            return [([WantedJobs(name, 1) for name in queues], 1)] if queues else []
        grouped: dict[frozenset[Lane], list[str]] = {}
        for queue in queues:
            grouped.setdefault(frozenset(self._lanes_of.get(queue, ())), []).append(queue)
        asks: list[Ask] = []
        left = {lane: lane.room for lane in self._lanes}
        for lanes, names in grouped.items():
            room = min(left[lane] for lane in lanes or self._lanes)
            if not lanes and not room:
                room = int(any(left.values()))
            for lane in lanes or self._lanes:
                left[lane] = max(0, left[lane] - room)
            if room > 0:
                asks.append(([WantedJobs(name, room) for name in names], room))
        return asks

    def limited_room(self, queues: Iterable[str]) -> int:
        """Return how many jobs under limits to claim from these queues."""
        lanes = set().union(*(self._lanes_of.get(queue, ()) for queue in queues))
        return min(lane.limited_room for lane in lanes or self._lanes)

    def submit(self, jobs: Sequence[HeldJob]) -> list[HeldJob]:
        """Run these jobs, from `begin` on those that would hold up the next exchange; return those
        of queues nobody knew that need a lane which is full.
        """
        refused: list[HeldJob] = []
        for lane in self._lanes:
            mine = self._of_lane(lane, jobs)
            queues = {held.job.queue for held in mine}
            strangers = queues - self._lanes_of.keys()
            for queue in queues:
                self._lanes_of.setdefault(queue, set()).add(lane)
            if mine and strangers and not lane.room:
                refused += [held for held in mine if held.job.queue in strangers]
                mine = [held for held in mine if held.job.queue not in strangers]
            if mine:
                lane.take(mine)
        return refused

    def begin(self) -> None:
        """Run all that was submitted."""
        for lane in self._lanes:
            if lane.to_begin:
                lane.begin()

    def ended(self, held: HeldJob) -> None:
        """A runner is done with this job, and its outcome waits to be written; from any thread."""
        held.has_ended = True
        lane = self._lane_of(held)
        lane.ended.append(self._elapsed())
        if held.is_limited:
            lane.limited_ended.append(None)

    def replace(self, held: HeldJob) -> None:
        """The handler of this job was given up: run another in its place; from any thread."""
        self._lane_of(held).runners.replace(held)

    def settled(self, jobs: Sequence[HeldJob]) -> None:
        """The outcomes of these jobs are written; their slots are free."""
        runnable = [held for held in jobs if held.is_runnable]
        for lane in self._lanes:
            if mine := self._of_lane(lane, runnable):
                lane.give(mine)

    def exchanged(self, seconds: float, *, claimed: int) -> None:
        """So long the database took to write outcomes and to give jobs; a look in vain says
        nothing.
        """
        for lane in self._lanes if claimed else ():
            lane.prefetch.exchanged(seconds)

    def surplus(self) -> list[HeldJob]:
        """Return jobs that were claimed ahead of runners which have turned slow: others may take
        them.
        """
        return [held for lane in self._lanes for held in lane.surplus()]

    @property
    def gathers_for(self) -> float:
        """For how many seconds more outcomes are waited for before the next exchange: not while a
        lane has some that are not.
        """
        return min([lane.gathers_for for lane in self._lanes if lane.ended], default=0.0)

    @property
    def hold_any(self) -> bool:
        """Whether jobs are held, be it that only their outcomes are still to be written."""
        return any(lane.held for lane in self._lanes)

    @property
    def have_waiting(self) -> bool:
        """Whether anything was claimed that has not begun."""
        return any(lane.waiting() for lane in self._lanes)

    def may_end(self, held: HeldJob) -> bool:
        """Whether something may still come of a job in hand: not where a handler that was given up
        holds the loop that it needs.
        """
        is_done = not held.is_runnable or held.has_ended
        return is_done or not self._lane_of(held).runners.is_stuck

    def take_back_of(self, queues: Collection[str]) -> list[HeldJob]:
        return [held for lane in self._lanes for held in lane.take_back_of(queues)]

    def take_back(self) -> list[HeldJob]:
        return [held for lane in self._lanes for held in lane.take_back()]

    def stop(self, *, timeout: float) -> bool:
        """Return whether everything that ran has ended within `timeout` seconds."""
        until = monotonic() + timeout
        ended = [lane.runners.stop(timeout=max(0.0, until - monotonic())) for lane in self._lanes]
        return all(ended)

    def _lane_of(self, held: HeldJob) -> Lane:
        return self._async if held.uses_event_loop else self._sync

    def _of_lane(self, lane: Lane, jobs: Sequence[HeldJob]) -> list[HeldJob]:
        is_async = lane is self._async
        return [held for held in jobs if held.uses_event_loop is is_async]
