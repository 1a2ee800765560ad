"""What a pump asks of the store in one look: as much as there are slots, and as limits allow."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.limits import Limits, LimitsInForce
from django_jobqueue.core.specs import ClaimedJob, WantedJobs
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.permits.distributed import KnownLimits

from .draining import given_back
from .hands import HeldJob
from .looking import Looking
from .outbox import Outbox
from .slots import Ask, Slots
from .watermarks import Watermarks, has_swept

Dispatch = Callable[[Sequence[ClaimedJob], Callable[[], bool]], None]

#: An exchange that only writes.
NOTHING: Ask = ([], 0)


class Asking:
    """Bounds what the slots would take by what is known of limits. For the pump's thread.

    `tell` is called with each queue that a claim could not look at to the end.
    """

    def __init__(
        self,
        *,
        slots: Slots,
        limits: KnownLimits,
        outbox: Outbox,
        looking: Looking,
        watermarks: Watermarks,
        tell: Callable[[str], object],
        answer_within: float,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._slots, self._limits, self._outbox, self._looking = slots, limits, outbox, looking
        self._watermarks, self._answer_within, self._elapsed = watermarks, answer_within, elapsed
        self._tell = tell
        self.has_swept = True  #: whether the last look passed nothing over
        self._left_behind: list[str] = []  #: the queues that it has not looked at to the end
        self._is_refused = False

    def exchange(self, names: Sequence[str] | None, *, worker_id: UUID, dispatch: Dispatch) -> int:
        """Write what finished and claim from the queues, none if `names` is None; return how many
        jobs were claimed and handed to `dispatch`.

        It is told how to ask whether the answer came too late: nobody knew meanwhile that they are
        in hand, and a heartbeat may have given them back; or there is a limit by now.
        """
        asks = self._slots.asks(names or ())
        claimed, asked, self.has_swept, self._left_behind = 0, 0, True, []
        refused: list[float] = []
        asks_beside = self._see_to_limits(asks)
        for wanted, total in asks or [NOTHING]:
            allowed = self._limits.within_queues(wanted)
            claimed += self._claim(
                allowed,
                total=total,
                asks_beside=asks_beside,
                worker_id=worker_id,
                dispatch=dispatch,
                refused=refused,
            )
            asks_beside = False
            if self._is_refused:
                self._outbox.write()  # a claim does not see what is given back beside it
            asked += min(total, sum(one.limit for one in allowed))
        if names is not None:
            self._found(claimed, of=asked, had_room=bool(asks) or not names, refused=refused)
        return claimed

    def _see_to_limits(self, asks: Sequence[Ask]) -> bool:
        """Ask for limits, if it is time and they may matter; return whether the first claim is to
        do so instead.
        """
        outcomes = len(self._outbox)
        # Where outcomes are written nobody waits; the next claim may be what a wake-up told of.
        if asks and self._limits.are_asked_beside(soon=outcomes > 0):
            return True
        if asks or outcomes or self._slots.hold_any:
            self._limits.refresh()
        return False

    def _found(self, count: int, *, of: int, had_room: bool, refused: Sequence[float]) -> None:
        self._looking.found(count, of=of, in_hand=self._slots.hold_any, had_room=had_room)
        for seconds in refused:
            self._looking.ask_in(seconds)
        for queue in self._left_behind:
            self._tell(queue)

    def _claim(
        self,
        allowed: Sequence[WantedJobs],
        *,
        total: int,
        asks_beside: bool,
        worker_id: UUID,
        dispatch: Dispatch,
        refused: list[float],
    ) -> int:
        passed_over: list[None] = []
        limits = self._limits_of(allowed, refused=refused, passed_over=passed_over)
        allowed = self._watermarks.applied(allowed, hurried=self._looking.was_woken)
        began_at, self._is_refused = self._elapsed(), False
        jobs = self._outbox.exchange(
            worker_id=worker_id,
            wanted=allowed,
            total=total,
            limits=limits,
            meanwhile=self.begin,
            in_force=partial(self._learn, allowed, refused, began_at) if asks_beside else None,
        )
        self._watermarks.claimed(jobs, of=allowed, total=total, moves=not passed_over)
        self.has_swept = self.has_swept and has_swept(allowed) and not self._left_behind
        self._slots.exchanged(self._elapsed() - began_at, claimed=len(jobs))
        dispatch(jobs, partial(self._is_void, began_at + self._answer_within))
        return len(jobs)

    def begin(self) -> None:
        """The database is at work, or nothing is asked of it soon: run all that was submitted, and
        tell of all that was written.
        """
        self._slots.begin()
        self._outbox.telling.begin()

    def _limits_of(
        self, allowed: Sequence[WantedJobs], *, refused: list[float], passed_over: list[None]
    ) -> Limits | None:
        if not self._limits.limit_anything:
            return None
        return self._limits.limits(
            limited_room=self._slots.limited_room(one.queue for one in allowed),
            refused=refused.append,
            passed_over=partial(passed_over.append, None),
            left_behind=self._left_behind.extend,
        )

    def _learn(
        self,
        asked: Sequence[WantedJobs],
        refused: list[float],
        began_at: float,
        in_force: LimitsInForce,
    ) -> None:
        """The claim on its way heeds no limits: where there are some, it is made once more."""
        self._is_refused = self._limits.learn(in_force, took=self._elapsed() - began_at)
        if self._is_refused or self._limits.limit_anything:
            self._left_behind += [one.queue for one in asked]
            refused.append(0.0)

    def _is_void(self, moment: float) -> bool:
        return self._is_refused or self._elapsed() > moment

    def give_back(self, held: Sequence[HeldJob]) -> None:
        """Let jobs go that have not begun, to where they stood in line."""
        if held:
            self.returned(held)
            self._outbox.give_back(given_back(held))

    def returned(self, held: Sequence[HeldJob]) -> None:
        """These are about to be where they stood in line."""
        self._watermarks.returned([one.job for one in held])

    def held(self, job: ClaimedJob, handler: Handler) -> HeldJob:
        """Return a claimed job as this process holds it."""
        held = HeldJob(job, handler, self._elapsed)
        if self._limits.limit_anything:
            held.is_limited = self._limits.is_limited(
                queue=job.queue, handler=job.handler, key=job.concurrency_key
            )
        return held
