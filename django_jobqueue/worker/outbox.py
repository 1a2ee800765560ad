"""Outcomes on their way into the database: kept until it has answered, whatever happens to it."""

import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NotRequired, TypedDict, Unpack
from uuid import UUID, uuid4

from msgspec.structs import replace

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import ClaimedJob, FinishedJob, Transition, WantedJobs
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.events import EventBus
from django_jobqueue.service import Trouble
from django_jobqueue.store import JobStore
from django_jobqueue.store.base import TellLimits
from django_jobqueue.store.meanwhile import Meanwhile
from django_jobqueue.store.transient import is_data_error

from .hands import HeldJob, InHand
from .telling import Telling

#: What is written for a job whose outcome the database refuses to hold.
UNWRITABLE = Transition(
    state=JobState.DEAD,
    reason=DeathReason.UNPROCESSABLE,
    error='{"type": "UnwritableOutcome", "message": "the database refused what this run answered"}',
)


class Bounds(TypedDict):
    """How much a claim may take."""

    total: int
    limits: Limits | None
    in_force: NotRequired[TellLimits | None]
    meanwhile: NotRequired[Meanwhile]


class Outbox:
    """Writes outcomes in batches and claims in the same round trip.

    After a lost connection it tries again, at 0.1 s growing to 2 s; since the lost commit may have
    succeeded, what then is not held any more is looked up by its token before it is called stale.
    """

    FIRST_RETRY, LAST_RETRY = 0.1, 2.0

    def __init__(
        self,
        *,
        store: JobStore,
        in_hand: InHand,
        events: EventBus,
        settled: Callable[[Sequence[HeldJob]], None],
        rescheduled: Callable[[], object] = lambda: None,
        telling: Telling | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._in_hand, self._events = store, in_hand, events
        self._settled, self._rescheduled, self._elapsed = settled, rescheduled, elapsed
        self._finished: deque[FinishedJob] = deque()
        self._under_way: Sequence[FinishedJob] = ()  #: taken for a write that has not returned
        #: What the transaction of its handler has written, and has yet to be told.
        self._written: deque[FinishedJob] = deque()
        self._retry_pause = self._retry_at = 0.0
        self._commit_unknown = False
        self.telling = telling or Telling(events, elapsed=elapsed)
        self._trouble = Trouble(elapsed=elapsed)
        self.written = 0  #: jobs whose outcome the database has
        self.stale = 0  #: of these, outcomes of claims that were over

    def add(self, finished: FinishedJob, *, is_written: bool = False) -> None:
        """Keep an outcome for the next write, unless it was written in the transaction of its
        handler; from any thread.
        """
        (self._written if is_written else self._finished).append(finished)

    def __len__(self) -> int:
        return len(self._finished) + len(self._written)

    @property
    def retry_in(self) -> float:
        """Seconds until the database is worth another try; 0 while it answers."""
        return max(0.0, self._retry_at - self._elapsed()) if self._retry_pause else 0.0

    def exchange(
        self, *, worker_id: UUID, wanted: Sequence[WantedJobs] = (), **bounds: Unpack[Bounds]
    ) -> list[ClaimedJob]:
        """Write what is finished and claim; nothing is claimed when the write failed."""
        self._settle_written()
        finished = self._take()
        if not finished and not wanted:
            return []
        began_at = self._elapsed()
        try:
            held, claimed = self._store.finish_and_claim(
                finished, worker_id=worker_id, token=uuid4(), wanted=wanted, **bounds
            )
        except Exception as error:
            if finished and is_data_error(error):
                self._write_apart(finished)
                return []
            self._keep(finished)
            raise
        self._under_way = ()
        self._answered()
        self.telling.exchanged(began_at, written=len(finished), claimed=len(claimed))
        try:
            self._conclude(finished, held)
        except Exception as error:
            # The claim is committed, whatever became of the look at earlier commits.
            self._keep(finished)
            self.failed(error)
        return claimed

    def write(self) -> None:
        """Write what is finished and claim nothing; a database that fails is told, not raised."""
        self._settle_written()
        finished = [] if self.retry_in else self._take()
        try:
            if finished:
                self._write_apart(finished)
                self._answered()
        except Exception as error:
            self.failed(error)
        self.telling.begin()

    def settle(self, finished: Iterable[FinishedJob]) -> None:
        """Write what an earlier worker left; whether that had written it before, nobody knows.
        Raises the error of a database that fails.
        """
        self._finished.extend(finished)
        while self._finished:
            self._commit_unknown = True
            self._write_apart(self._take())

    def rest(self) -> list[FinishedJob]:
        """Return what the database has not confirmed; from any thread, also while a write hangs."""
        return [*self._under_way, *self._finished.copy()]

    def failed(self, error: Exception) -> None:
        """The database did not answer: wait, longer each time. It may have committed."""
        self._commit_unknown = True
        self._retry_pause = min(max(self.FIRST_RETRY, self._retry_pause * 2), self.LAST_RETRY)
        self._retry_at = self._elapsed() + self._retry_pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load
        if self._trouble.is_worth_telling():
            self._events.emit("pump.database_failed", error=error, retry_in=self._retry_pause)

    def _answered(self) -> None:
        self._retry_pause = 0.0
        if self._trouble.is_over():
            self._events.emit("pump.database_answered")

    def give_back(self, jobs: Iterable[FinishedJob]) -> None:
        """Keep releases, behind the outcomes: what a run answered after all counts before them."""
        self._finished.extend(jobs)

    def _take(self) -> list[FinishedJob]:
        """Take one answer for each job. Of two for one claim the first counts; one for an earlier
        or later claim of the same job waits for the next write.
        """
        taken = [self._finished.popleft() for _ in range(len(self._finished))]
        if len({done.job.id for done in taken}) < len(taken):
            taken = self._first_of_each(taken)
        self._under_way = taken
        return taken

    def _first_of_each(self, taken: Sequence[FinishedJob]) -> list[FinishedJob]:
        first: dict[int, FinishedJob] = {}
        for place, done in enumerate(taken):
            if first.setdefault(done.job.id, done).job.claim_token != done.job.claim_token:
                self._finished.extendleft(reversed(taken[place:]))
                break
        return list(first.values())

    def _keep(self, finished: Sequence[FinishedJob]) -> None:
        """Put back what was taken and could not be written."""
        self._finished.extendleft(reversed(finished))
        self._under_way = ()

    def _write_apart(self, finished: Sequence[FinishedJob]) -> None:
        """One row that the database refuses must not keep the others from being written."""
        parts = [finished]
        while parts:
            part = parts.pop()
            try:
                self._conclude(part, self._store.finish_many(part))
            except Exception as error:
                if not is_data_error(error):
                    self._keep([done for rest in (part, *reversed(parts)) for done in rest])
                    raise
                parts += self._parts_of(part, error)
        self._under_way = ()

    def _parts_of(
        self, refused: Sequence[FinishedJob], error: Exception
    ) -> list[Sequence[FinishedJob]]:
        """What to write in place of a refused batch, the last part first: its halves; for a single
        job the constant outcome; where even that is refused, nothing.
        """
        if len(refused) > 1:
            middle = len(refused) // 2
            return [refused[middle:], refused[:middle]]
        [done] = refused
        self._events.emit("job.outcome_refused", job=done.job, error=error)
        if done.transition is UNWRITABLE:
            self._conclude(refused, set())
            return []
        return [[replace(done, transition=UNWRITABLE)]]

    def _settle_written(self) -> None:
        if done := [self._written.popleft() for _ in range(len(self._written))]:
            self._settle(done, {one.id for one in done})

    def _conclude(self, finished: Sequence[FinishedJob], held: set[int]) -> None:
        if len(held) < len(finished):
            self._tell_stale(finished, held)
        self._commit_unknown = False
        if finished:
            self._settle(finished, held)

    def _settle(self, finished: Sequence[FinishedJob], held: set[int]) -> None:
        self.written += len(finished)
        ended = self._in_hand.remove([(one.job.id, one.job.claim_token) for one in finished])
        self._settled(ended)
        if any(done.transition.state is JobState.SCHEDULED for done in finished):
            self._rescheduled()
        self.telling.ended(finished, held, ended)

    def _tell_stale(self, finished: Sequence[FinishedJob], held: set[int]) -> None:
        missed = [done for done in finished if done.id not in held]
        if self._commit_unknown:
            earlier = self._store.written_under((one.id, one.job.claim_token) for one in missed)
            missed = [done for done in missed if done.id not in earlier]
            held |= earlier
        for done in missed:
            # A job that lives on keeps no token: whether the commit that was not answered wrote it,
            # or others have taken it since, cannot be told. There is nothing to do in either case.
            is_unknown = self._commit_unknown and not done.transition.state.is_final
            self.stale += not is_unknown
            name = "job.finish_is_unknown" if is_unknown else "job.finish_was_stale"
            self._events.emit(name, job=done.job)
