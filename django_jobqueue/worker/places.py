"""Where the children of a supervisor run."""

from dataclasses import dataclass, field
from typing import ClassVar

from .children import ChildProcess


@dataclass
class Place:
    """Where one child runs, and another after it."""

    name: str
    runs_suspects: bool = False
    child: ChildProcess | None = None
    #: Those that retired: they end by themselves, once their jobs have.
    retiring: list[ChildProcess] = field(default_factory=list)
    futile: int = 0  #: children in a row that died young, and of no job
    start_at: float = 0.0
    is_done: bool = False  #: nobody is needed here: who ends is not replaced

    #: After the first that died young, and after very many.
    FIRST_PAUSE: ClassVar[float] = 0.5
    LONGEST_PAUSE: ClassVar[float] = 30.0

    @property
    def children(self) -> list[ChildProcess]:
        child = self.child  # once: other threads ask, and it may be buried meanwhile
        return [*self.retiring, *([] if child is None else [child])]

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here, and nobody will come."""
        return self.is_done and not self.children

    @property
    def is_busy(self) -> bool:
        """Whether the child that runs here has a job in hand that it has begun."""
        child = self.child
        return child is not None and not child.has_ended and bool(child.marks.started())

    def retire(self) -> None:
        """The child goes on without a place; another may take it, unless this one runs suspects:
        then it is up to the quarantine whether another is needed.
        """
        if self.child is not None:
            self.retiring.append(self.child)
            self.child = None
            self.is_done = self.is_done or self.runs_suspects

    def pause_before_the_next(self, *, now: float) -> None:
        """Another one died young: start the next later than the one before."""
        self.futile += 1
        pause = self.FIRST_PAUSE * 2 ** min(self.futile - 1, 16)
        self.start_at = now + min(pause, self.LONGEST_PAUSE)

    def leave(self, child: ChildProcess) -> None:
        if child is self.child:
            self.child = None
        else:
            self.retiring.remove(child)
