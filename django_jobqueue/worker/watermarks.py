"""How far the heads of the queues have moved: where the next claim begins."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import ClaimedJob, WantedJobs, Watermark


class Head:
    """What is remembered of one queue."""

    #: Of so many priorities; any may be forgotten, and is looked at whole then.
    PRIORITIES = 8

    def __init__(self) -> None:
        self._marks: dict[int, datetime] = {}
        self.sweep_at = float("-inf")

    def moved(self, jobs: Sequence[ClaimedJob]) -> None:
        """These were claimed. The first of each priority is its mark: what others are about to
        commit among them stays in sight.
        """
        first: dict[int, datetime] = {}
        for job in jobs:
            if job.unreadable is None:
                first[job.priority] = min(first.get(job.priority, job.ready_at), job.ready_at)
        for priority, ready_at in first.items():
            self._marks.pop(priority, None)  # what moved last is forgotten last
            self._marks[priority] = ready_at
        while len(self._marks) > self.PRIORITIES:
            del self._marks[next(iter(self._marks))]

    def returned(self, job: ClaimedJob) -> None:
        if job.priority in self._marks:
            self._marks[job.priority] = min(self._marks[job.priority], job.ready_at)

    @property
    def watermarks(self) -> tuple[Watermark, ...]:
        return tuple(Watermark(*mark) for mark in sorted(self._marks.items(), reverse=True))


class Watermarks:
    """Has claims begin where the last ones found jobs: while somebody holds an old snapshot, what
    was finished leaves dead index entries before that, and a claim would walk all of them.

    They are hints of this process. A job committed late, or rescued, may lie before a mark: so a
    queue is swept, claimed from without marks, once it gave less than it was asked for, and every
    `SWEEP_SECONDS`. Sweeps take a twentieth of the time at most, and are `LONGEST_PAUSE` apart at
    most. Without `supported`, every claim is a sweep.
    """

    SWEEP_SECONDS, LONGEST_PAUSE, SHARE = 1.0, 5.0, 0.05
    #: Sites may make queues without end; those forgotten are swept.
    QUEUES = 1000

    def __init__(self, *, supported: bool, elapsed: Callable[[], float] = monotonic) -> None:
        self._supported, self._elapsed = supported, elapsed
        self._heads: dict[str, Head] = {}
        self._began_at = 0.0
        self._no_sweep_before = float("-inf")
        self._returned: list[ClaimedJob] = []

    def returned(self, jobs: Sequence[ClaimedJob]) -> None:
        """These will be given back, to where they stood in line, before the next claim but one."""
        self._returned += jobs

    def applied(self, wanted: Sequence[WantedJobs]) -> list[WantedJobs]:
        """Return what to claim now, with watermarks unless a sweep is due and may be paid for."""
        self._began_at = now = self._elapsed()
        heads = [self._heads.get(one.queue) for one in wanted]
        is_due = any(head is None or head.sweep_at <= now for head in heads)
        if not self._supported or (is_due and now >= self._no_sweep_before):
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
            pause = min((now - self._began_at) * (1 / self.SHARE), self.LONGEST_PAUSE)
            self._no_sweep_before = now + pause
        if len(self._heads) > self.QUEUES:
            self._heads.clear()
        jobs_of: dict[str, list[ClaimedJob]] = {}
        for job in jobs:
            jobs_of.setdefault(job.queue, []).append(job)
        for one in of:
            mine = jobs_of.get(one.queue, [])
            head = self._heads.setdefault(one.queue, Head())
            if moves:
                head.moved(mine)
            if len(mine) < one.limit and len(jobs) < total:
                head.sweep_at = now
            elif is_sweep and mine:
                head.sweep_at = now + self.SWEEP_SECONDS
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
