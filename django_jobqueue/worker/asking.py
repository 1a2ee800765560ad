"""What a pump asks of the store in one look: as much as there are slots, and as limits allow."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import ClaimedJob
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
    """Bounds what the slots would take by what is known of limits. For the pump's thread."""

    def __init__(
        self,
        *,
        slots: Slots,
        limits: KnownLimits,
        outbox: Outbox,
        looking: Looking,
        watermarks: Watermarks,
        answer_within: float,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._slots, self._limits, self._outbox, self._looking = slots, limits, outbox, looking
        self._watermarks, self._answer_within, self._elapsed = watermarks, answer_within, elapsed
        self.has_swept = True  #: whether the last look passed nothing over

    def exchange(self, names: Sequence[str] | None, *, worker_id: UUID, dispatch: Dispatch) -> int:
        """Write what finished and claim from the queues, none if `names` is None; return how many
        jobs were claimed and handed to `dispatch`.

        It is told how to ask whether the answer came too late: nobody knew meanwhile that they are
        in hand, and a heartbeat may have given them back.
        """
        asks = self._slots.asks(names or ())
        claimed, asked, self.has_swept = 0, 0, True
        refused: list[float] = []
        self._limits.refresh()
        for wanted, total in asks or [NOTHING]:
            allowed = self._limits.within_queues(wanted)
            room = self._slots.limited_room(one.queue for one in allowed)
            passed_over: list[None] = []
            limits = self._limits.limits(
                limited_room=room,
                refused=refused.append,
                passed_over=partial(passed_over.append, None),
            )
            allowed = self._watermarks.applied(allowed)
            until = self._elapsed() + self._answer_within
            jobs = self._outbox.exchange(
                worker_id=worker_id, wanted=allowed, total=total, limits=limits
            )
            self._watermarks.claimed(jobs, of=allowed, total=total, moves=not passed_over)
            self.has_swept = self.has_swept and has_swept(allowed)
            dispatch(jobs, partial(self._is_over, until))
            claimed += len(jobs)
            asked += min(total, sum(one.limit for one in allowed))
        if names is not None:
            self._looking.found(claimed, of=asked)
            for seconds in refused:
                self._looking.ask_in(seconds)
        return claimed

    def _is_over(self, moment: float) -> bool:
        return self._elapsed() > moment

    def give_back(self, held: Sequence[HeldJob]) -> None:
        """Let jobs go that have not begun, to where they stood in line."""
        self.returned(held)
        self._outbox.give_back(given_back(held))

    def returned(self, held: Sequence[HeldJob]) -> None:
        """These are about to be where they stood in line."""
        self._watermarks.returned([one.job for one in held])

    def held(self, job: ClaimedJob, handler: Handler) -> HeldJob:
        """Return a claimed job as this process holds it."""
        held = HeldJob(job, handler, elapsed=self._elapsed)
        held.is_limited = self._limits.is_limited(
            queue=job.queue, handler=job.handler, key=job.concurrency_key
        )
        return held
