"""One kind of runner, and how many jobs it can take."""

from collections import deque
from collections.abc import Callable, Collection, Sequence

from django_jobqueue.core.clock import monotonic

from .hands import HeldJob
from .prefetch import Prefetch
from .runners import Runners


class Lane:
    """One kind of runner, what it holds, and how far ahead it may claim."""

    #: The most that one claim takes: while one batch is on its way, another runs.
    BATCH = 500
    #: Of what is held in advance, this part may have permits: some 10 ms of work.
    LIMITED_PART = 10
    #: How long the first outcomes gather: this part of what the first of them took, and no longer.
    GATHERING_PART, LONGEST_GATHERING = 0.25, 0.002

    def __init__(self, runners: Runners, *, elapsed: Callable[[], float] = monotonic) -> None:
        self.runners, self.prefetch = runners, Prefetch(elapsed=elapsed)
        self._elapsed, self._taken_at = elapsed, float("-inf")
        self.held = 0
        #: What its runners are given when the next exchange is on its way.
        self.to_begin: list[HeldJob] = []
        #: When each held job ended whose outcome waits to be written.
        self.ended: deque[float] = deque()
        #: The same, of jobs that have permits.
        self.limited = 0
        self.limited_ended: deque[None] = deque()

    @property
    def room(self) -> int:
        """How many jobs to claim now; nothing while enough of them wait, so that claims come in
        batches.

        A job that has ended makes room already: its outcome is written in the round trip that
        claims.
        """
        ahead = self._ahead
        free = self.runners.slots + ahead - self.held + len(self.ended)
        if free * 4 < ahead and self.waiting():
            return 0
        return max(0, min(free, self.BATCH))

    @property
    def limited_room(self) -> int:
        """How many jobs under limits to claim now: hardly any ahead of a free runner, for others
        could use their permits; but where jobs take less time than an exchange, a few.
        """
        ahead = self._ahead // self.LIMITED_PART
        return max(0, self.runners.slots + ahead - self.limited + len(self.limited_ended))

    @property
    def _ahead(self) -> int:
        self._see_whether_idle()
        return self.prefetch.jobs(ended=len(self.ended))

    @property
    def gathers_for(self) -> float:
        """For how many seconds an exchange is worth more later: of the first jobs, which fill all
        slots, one has ended, and alone it would say that jobs are slow, and the next claim is
        small. Those that began with it may end at any moment.
        """
        is_first = not self.prefetch.has_rate and self.held >= self.runners.slots
        if not is_first or self.waiting() or not 0 < len(self.ended) < self.held:
            return 0.0
        if self.limited_ended:  # others may wait for its permits
            return 0.0
        first = self.ended[0]
        part = self.GATHERING_PART * (first - self._taken_at)
        return max(0.0, first + min(part, self.LONGEST_GATHERING) - self._elapsed())

    def _see_whether_idle(self) -> None:
        """What waits to be written is held, and runs no more, and what is to begin does not yet."""
        if self.ended and len(self.ended) == self.held - len(self.to_begin):
            self.prefetch.idle(self.ended[-1])

    def take(self, jobs: Sequence[HeldJob]) -> None:
        self._taken_at = self._elapsed()
        self.held += len(jobs)
        self.limited += sum([held.is_limited for held in jobs])
        self.to_begin += jobs
        if len(self.ended) <= self.runners.slots:
            self.begin()
        # Otherwise they outrun the exchanges, and what has ended has the next one follow at once.
        # Runners that wake up now would have the interpreter for all of these jobs, milliseconds in
        # which the server has nothing to do.

    def begin(self) -> None:
        """Give its runners what is to begin."""
        self._see_whether_idle()
        self.prefetch.busy()
        jobs, self.to_begin = self.to_begin, []
        self.runners.submit(jobs)

    def waiting(self) -> int:
        """How many of its jobs have not begun."""
        return self.runners.waiting() + len(self.to_begin)

    def take_back(self) -> list[HeldJob]:
        """Take back what has not begun."""
        last, self.to_begin = self.to_begin, []
        return self.runners.take_back() + last

    def give(self, jobs: Sequence[HeldJob]) -> None:
        """These are written: what they held is free."""
        self._see_whether_idle()
        self.held -= len(jobs)
        ended = [held for held in jobs if held.has_ended]
        for _ in ended:
            self.ended.popleft()
        if self.limited:
            self.limited -= sum(held.is_limited for held in jobs)
            for _ in range(sum(held.is_limited for held in ended)):
                self.limited_ended.popleft()
        self.prefetch.finished(len(ended))
        if not self.held:
            self.prefetch.idle(self._elapsed())

    def take_back_of(self, queues: Collection[str]) -> list[HeldJob]:
        """Take back what waits of these queues; the rest keeps its order."""
        waiting = self.take_back()
        self.to_begin = [held for held in waiting if held.job.queue not in queues]
        if self.to_begin:
            self.begin()
        return [held for held in waiting if held.job.queue in queues]

    def surplus(self) -> list[HeldJob]:
        """Take back what waits, if that is far more than is still worth holding in advance; not
        what has just come, for one exchange that took long says little about how fast jobs are.
        """
        if not self.held or self._elapsed() - self._taken_at < self.prefetch.horizon:
            return []
        worth_it = self.runners.slots + 2 * self._ahead
        return self.take_back() if self.waiting() > worth_it else []
