"""How far the heads of the queues have moved: where the next claim begins."""

from collections.abc import Callable, Sequence
from datetime import datetime
from heapq import nlargest

from msgspec.structs import replace

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import ClaimedJob, WantedJobs, Watermark

from .sweeps import Sweeps


class Head:
    """What is remembered of one queue."""

    #: Of so many priorities; any may be forgotten, and is looked at whole then.
    PRIORITIES = 8

    def __init__(self) -> None:
        self._marks: dict[int, tuple[datetime, int]] = {}
        self._sweep_at = self.moved_at = float("-inf")
        self._is_short = False

    def is_due(self, now: float, *, hurried: bool) -> bool:
        """Whether it should be swept; one that is only short can wait for a while."""
        return now >= self._sweep_at + (Sweeps.PATIENCE if hurried and self._is_short else 0.0)

    def came_short(self, now: float, *, of_sweep: bool) -> None:
        """A claim found less than it was asked for: the next one should be a sweep."""
        if of_sweep or not self._is_short:
            self._sweep_at, self._is_short = now, True

    def swept(self, *, due_at: float) -> None:
        """A sweep took all that it was asked for."""
        self._sweep_at, self._is_short = due_at, False

    def moved(self, jobs: Sequence[ClaimedJob], *, now: float) -> None:
        """These were claimed. The first of each priority is its mark: what others are about to
        commit among them stays in sight.
        """
        if jobs:
            self.moved_at = now
        first: dict[int, tuple[datetime, int]] = {}
        for job in jobs:
            if job.unreadable is None:
                place, known = (job.ready_at, job.id), first.get(job.priority)
                if known is None or place < known:
                    first[job.priority] = place
        for priority, place in first.items():
            self._marks.pop(priority, None)  # what moved last is forgotten last
            self._marks[priority] = place
        while len(self._marks) > self.PRIORITIES:
            del self._marks[next(iter(self._marks))]

    def returned(self, job: ClaimedJob) -> None:
        if job.priority in self._marks:
            self._marks[job.priority] = min(self._marks[job.priority], (job.ready_at, job.id))

    @property
    def watermarks(self) -> tuple[Watermark, ...]:
        marks = sorted(self._marks.items(), reverse=True)
        return tuple(Watermark(priority, *place) for priority, place in marks)


class Watermarks:
    """Has claims begin where the last ones found jobs: while somebody holds an old snapshot, what
    was finished leaves dead index entries before that, and a claim would walk all of them.

    They are hints of this process. A job committed late, or rescued, may lie before a mark: so a
    queue is swept, claimed from without marks, once it gave less than it was asked for, and every
    `SWEEP_SECONDS`, as often as `Sweeps` grants it. Without `supported`, every claim is a sweep.
    """

    SWEEP_SECONDS = 1.0
    #: Sites may make queues without end; those forgotten are swept.
    QUEUES = 1000
    #: The look for queues that have jobs is told of so many.
    KNOWN = 50

    def __init__(self, *, supported: bool, elapsed: Callable[[], float] = monotonic) -> None:
        self._supported, self._elapsed = supported, elapsed
        self._heads: dict[str, Head] = {}
        self._sweeps = Sweeps(elapsed=elapsed)
        self._returned: list[ClaimedJob] = []

    def returned(self, jobs: Sequence[ClaimedJob]) -> None:
        """These will be given back, to where they stood in line, before the next claim but one."""
        self._returned += jobs

    @property
    def known(self) -> list[WantedJobs]:
        """Where the next claim would begin, of the queues that gave jobs last."""
        last = nlargest(self.KNOWN, self._heads.items(), key=lambda item: item[1].moved_at)
        marked = [WantedJobs(queue, 1, head.watermarks) for queue, head in last]
        return [one for one in marked if one.watermarks]

    def applied(self, wanted: Sequence[WantedJobs], *, hurried: bool = False) -> list[WantedJobs]:
        """Return what to claim now, with watermarks unless a sweep is due and may be paid for;
        `hurried` where somebody waits for what is new.
        """
        now, may_sweep = self._elapsed(), self._sweeps.may_begin()
        heads = [self._heads.get(one.queue) for one in wanted]
        is_due = any(head is None or head.is_due(now, hurried=hurried) for head in heads)
        if not self._supported or (is_due and may_sweep):
            return list(wanted)
        return [
            replace(one, watermarks=head.watermarks) if head else one
            for one, head in zip(wanted, heads, strict=True)
        ]

    def claimed(
        self,
        jobs: Sequence[ClaimedJob],
        *,
        of: Sequence[WantedJobs],
        total: int,
        moves: bool = True,
    ) -> None:
        """Learn from the answer to what `applied` said to claim; without `moves`, jobs that are
        ready may have been left before those that were claimed.
        """
        if not self._supported or not of:
            self._lower_for_returned()
            return
        now, is_sweep = self._elapsed(), has_swept(of)
        if is_sweep:
            self._sweeps.ended()
        if len(self._heads) > self.QUEUES:
            self._heads.clear()
        jobs_of: dict[str, list[ClaimedJob]] = {}
        for job in jobs:
            jobs_of.setdefault(job.queue, []).append(job)
        for one in of:
            mine = jobs_of.get(one.queue, [])
            head = self._heads.setdefault(one.queue, Head())
            if moves:
                head.moved(mine, now=now)
            if len(mine) < one.limit and len(jobs) < total:
                head.came_short(now, of_sweep=is_sweep)
            elif is_sweep and mine:
                head.swept(due_at=now + self.SWEEP_SECONDS)
        self._lower_for_returned()

    def _lower_for_returned(self) -> None:
        # Only now: a claim does not see what is given back in its own transaction, and moves marks.
        for job in self._returned:
            if head := self._heads.get(job.queue):
                head.returned(job)
        self._returned.clear()


def has_swept(wanted: Sequence[WantedJobs]) -> bool:
    """Whether a claim of these passed nothing over."""
    return not any(one.watermarks for one in wanted)
