"""The contract of a store, by intent. Values in, values out; no row leaves this layer.

Every write of a claim is fenced by `(id, claim_token)`: one whose claim no longer holds changes
nothing and is reported as not held, never as an error. Times that decide are the database's; `now`
is passed by tests alone.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django_jobqueue.core.due import Due
from django_jobqueue.core.limits import LimitName, Limits, LimitsInForce, Unblocked
from django_jobqueue.core.specs import (
    Beat,
    ClaimedJob,
    FinishedJob,
    Promoted,
    Rescued,
    WantedJobs,
    WorkerIdentity,
)

from .audible import Audible
from .batchable import Batchable
from .followable import Followable
from .holdable import Holdable
from .insertable import Insertable
from .meanwhile import Meanwhile, nothing
from .readable import Readable
from .schedulable import Schedulable
from .steerable import Steerable
from .waitable import Waitable

#: What is granted beyond the timeout of a job where nobody says how long its worker needs.
OVERTIME = timedelta(minutes=2)
#: The (id, claim token) pairs that a worker holds.
Claims = Sequence[tuple[int, UUID]]
TellLimits = Callable[[LimitsInForce], object]


class JobStore(
    Readable, Insertable, Followable, Batchable, Schedulable, Steerable, Holdable, Waitable, Audible
):
    """All lifecycle writes of one database. `using` is the alias of the Django connection it works
    on.
    """

    has_one_writer = False  #: a transaction that has written keeps all others from writing
    supports_watermarks = False  #: looks that begin where others ended are the cheaper for it
    supports_dedicated_connection = False  #: `dedicated` gives a connection apart from Django's

    def __init__(
        self, using: str, *, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> None:
        self.using = using
        #: How long after its timeout, counted from the claim, a job is left to its worker.
        self.overtime = overtime
        #: Whether claims take suspects alone: jobs whose worker died while they ran, which are for
        #: the quarantine. Other claims leave them.
        self.suspects = suspects

    # The worker and its lease.

    @abstractmethod
    def register_worker(self, worker: WorkerIdentity, *, lease: timedelta) -> None:
        """Add the row of one start of one worker; its id was never used before."""

    @abstractmethod
    def heartbeat(
        self,
        worker_id: UUID,
        *,
        lease: timedelta,
        in_hand: Callable[[], Claims] = tuple,
        reconcile_after: timedelta = timedelta(seconds=10),
        since: datetime | None = None,
    ) -> Beat:
        """Renew the lease, learn what was asked of the worker, and give back jobs it does not know
        it has.

        `in_hand` tells what the worker holds; a running job under its name that is not among that
        and was claimed more than `reconcile_after` before this heartbeat began is released, its
        attempt given back. It is asked as late as can be: a heartbeat may have to wait before it
        begins, while claims go on. Where it is then held up for longer than half of
        `reconcile_after` it fails, and has changed nothing. What was claimed before `since` may be
        left, unless it is in hand.
        """

    @abstractmethod
    def deregister_worker(self, worker_id: UUID) -> None:
        """Mark the worker stopped; what it still holds is given back, attempts and all.

        Fails where a lock holds it up for long: the lease will lapse instead.
        """

    @abstractmethod
    def release_of_dead_workers(
        self, *, limit: int = 500, now: datetime | None = None
    ) -> list[Rescued]:
        """Declare workers dead whose lease ran out, and give back what they held: attempt given
        back, rescue counted; cancelled, where that was asked for.

        Takes a jobless look at jobs whose worker has no living row, too.
        """

    @abstractmethod
    def overdue(self, *, limit: int = 500, now: datetime | None = None) -> list[ClaimedJob]:
        """Return jobs that run past their deadline, the longest overdue first: their workers live,
        but did not end them when their timeout was over.

        A claim gives a job with a timeout its deadline: that timeout and `overtime` later.
        """

    @abstractmethod
    def release_of_worker(
        self, worker_id: UUID, *, started: Sequence[int] | None, cause: str
    ) -> Rescued:
        """Declare a worker dead whose end was seen, and give back what it held at once.

        The jobs whose ids are in `started` are suspects: a rescue is counted, and `cause` ("killed
        by SIGSEGV") is their error. The others go back as if they had never been claimed. With
        `started=None` nobody knows, and all are suspects.
        """

    # Claiming and finishing.

    @abstractmethod
    def writing(self) -> AbstractContextManager[object]:
        """Open a transaction that will write, or a savepoint in the one that is open, on Django's
        connection.
        """

    @abstractmethod
    def claim(
        self,
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
        limits: Limits | None = None,
        now: datetime | None = None,
    ) -> list[ClaimedJob]:
        """Take up to `total` ready jobs, in the order of `wanted`. No job is in two hands at once.

        Takes nothing from a paused queue, and nothing at all for a worker that is not alive; either
        suspects alone or everything else, as the store was made for. Without `limits`, none of the
        jobs that have a concurrency key; with them, what they allow: a job that the limit of its
        handler or its key refuses is blocked, a queue that is full is left.
        """

    @abstractmethod
    def unblock(
        self, freed: Collection[LimitName] | None = None, *, now: datetime | None = None
    ) -> Unblocked:
        """Make the first jobs ready that these limits, or all, block: as many as may start now."""

    @abstractmethod
    def finish_many(self, finished: Sequence[FinishedJob]) -> set[int]:
        """Write each transition whose claim still holds; return the ids that were written.

        A job that was to live on while its cancellation was asked for is cancelled instead.
        """

    @abstractmethod
    def finish_and_claim(
        self,
        finished: Sequence[FinishedJob],
        *,
        worker_id: UUID,
        token: UUID,
        wanted: Sequence[WantedJobs],
        total: int,
        limits: Limits | None = None,
        in_force: TellLimits | None = None,
        meanwhile: Meanwhile = nothing,
    ) -> tuple[set[int], list[ClaimedJob]]:
        """Do both, in one round trip where the database can and nothing limits the claim.

        With `limits`, a job that one of them blocked goes on first, where there is room again;
        without, `in_force` is told of any. `meanwhile`, which must neither wait nor raise, is
        called exactly once unless this raises: as soon as the statements are sent, where they can
        be, and else before.
        """

    @abstractmethod
    def due(self, *, since: datetime | None = None, now: datetime | None = None) -> Due:
        """Return what there is to do besides claiming, in one statement that writes nothing.

        What was due before `since` may be left out, and with it whatever is ready, or waits.
        """

    @abstractmethod
    def promote(
        self, *, limit: int = 500, since: datetime | None = None, now: datetime | None = None
    ) -> Promoted:
        """Move due scheduled jobs to ready, the earliest first; those that were due before `since`
        may be left, and not be told of.
        """

    @abstractmethod
    def save_progress(
        self,
        job_id: int,
        token: UUID,
        *,
        progress: str | None = None,
        checkpoints: str | None = None,
    ) -> bool:
        """Write JSON texts on a running job while the claim holds; False if it was lost."""

    # The connection.

    @abstractmethod
    def reach(self) -> None:
        """Raise the database's error if it cannot be reached, after a few seconds if it does not
        answer at all.
        """

    def pausing_with(self, wait: Callable[[float], object]) -> AbstractContextManager[object]:
        """Within the block, in this thread, pause between the tries of what must wait for its turn
        with `wait(seconds)`, and give up as soon as that answers True.
        """
        return nullcontext()

    def connecting_within(self, seconds: int) -> AbstractContextManager[object]:
        """Within the block, in this thread, opening Django's connection fails after `seconds`,
        unless the site's settings say how long it may take.
        """
        return nullcontext()

    @abstractmethod
    def dedicated(
        self, *, prepared: bool = True, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> Self:
        """Return a store for one thread, on a connection apart from Django's where the database has
        such; with `suspects`, for the quarantine.
        """

    def close(self) -> None:
        """Close the connection that `dedicated` opened."""
