"""Trying every order of events, the shortest first."""

from collections import deque
from dataclasses import dataclass

from .protocol import FINAL, START, Rules, World, essence, steps

Trace = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A promise that was broken, and a shortest way there."""

    promise: str
    trace: Trace


class Exploration:
    """The worlds that can come to be, and how each was first reached."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._reached_by: dict[World, tuple[World, str] | None] = {START: None}
        self._healthy_before: dict[World, list[World]] = {}
        self.breach: Breach | None = None
        self.events: set[str] = set()  #: what happened at least once
        self._explore()

    def __len__(self) -> int:
        return len(self._reached_by)

    def _explore(self) -> None:
        """Breadth first, so that the first breach that is met has a shortest trace."""
        ahead = deque([START])
        while ahead and self.breach is None:
            world = ahead.popleft()
            for step in steps(world, self._rules):
                self.events.add(step.name)
                if step.breach:
                    trace = (*self._trace_to(world), step.name)
                    self.breach = Breach(promise=step.breach, trace=trace)
                    return
                after = essence(step.after, self._rules)
                if not step.is_fault:
                    self._healthy_before.setdefault(after, []).append(world)
                if after not in self._reached_by:
                    self._reached_by[after] = (world, step.name)
                    ahead.append(after)

    def stuck(self) -> list[Trace]:
        """Return ways, shortest first, to worlds where the job can never end unless another fault
        comes to its help.
        """
        ahead = deque(world for world in self._reached_by if world.state == FINAL)
        ends = set(ahead)
        while ahead:
            for before in self._healthy_before.get(ahead.popleft(), ()):
                if before not in ends:
                    ends.add(before)
                    ahead.append(before)
        # In the order in which they were reached, which is that of their distance.
        return [self._trace_to(world) for world in self._reached_by if world not in ends]

    def _trace_to(self, world: World) -> Trace:
        names: list[str] = []
        at = world
        while (reached := self._reached_by[at]) is not None:
            at, name = reached
            names.append(name)
        return tuple(reversed(names))
