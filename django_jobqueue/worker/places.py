"""Where the children of a supervisor run."""

from dataclasses import dataclass, field
from typing import ClassVar

from .children import ChildProcess
from .messages import Message


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

    #: A child that lived as long as this did not die of its start.
    LONG_LIFE_SECONDS: ClassVar[float] = 10.0
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

    def tell(self, message: Message) -> None:
        for child in self.children:
            child.tell(message)

    def retire(self) -> None:
        """The child goes on without a place; another may take it, unless this one runs suspects:
        then it is up to the quarantine whether another is needed.
        """
        if self.child is not None:
            self.retiring.append(self.child)
            self.child = None
            self.is_done = self.is_done or self.runs_suspects

    def note_end_of(self, child: ChildProcess, *, was_running_jobs: bool, now: float) -> None:
        """Decide when the next may start. What dies of a job is replaced at once: quarantine keeps
        that from going on for ever.
        """
        if child.ended_well or was_running_jobs or child.age_seconds >= self.LONG_LIFE_SECONDS:
            self.futile = 0
            return
        self.futile += 1
        pause = self.FIRST_PAUSE * 2 ** min(self.futile - 1, 16)
        self.start_at = now + min(pause, self.LONGEST_PAUSE)

    def forget_the_dead(self) -> None:
        """Whatever they died of may have been mended."""
        self.futile, self.start_at = 0, 0.0

    def leave(self, child: ChildProcess) -> None:
        if child is self.child:
            self.child = None
        else:
            self.retiring.remove(child)
