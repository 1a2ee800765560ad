"""From the answer to a claim to the runners."""

from collections.abc import Callable, Sequence

from django_jobqueue.core.backoff import NoRetry
from django_jobqueue.core.error_text import describe_error
from django_jobqueue.core.outcomes import Bury
from django_jobqueue.core.specs import ClaimedJob, FinishedJob
from django_jobqueue.core.states import DeathReason
from django_jobqueue.core.transitions import decide
from django_jobqueue.jobs.handlers import Handler

from .asking import Asking
from .draining import untouched
from .hands import HeldJob, InHand
from .outbox import Outbox
from .slots import Slots

Prepare = Callable[[ClaimedJob], Handler | FinishedJob]


class Dispatching:
    """Has each claimed job held, and either run or ended. For the pump's thread, which writes what
    has ended before it pauses.
    """

    def __init__(
        self,
        prepare: Prepare,
        in_hand: InHand,
        slots: Slots,
        asking: Asking,
        outbox: Outbox,
    ) -> None:
        self._prepare, self._in_hand, self._slots = prepare, in_hand, slots
        self._asking, self._outbox = asking, outbox

    def dispatch(self, claimed: Sequence[ClaimedJob], is_late: Callable[[], bool]) -> None:
        """Hold these and have them run; `is_late` says, once they are held, that they may not."""
        runnable: list[HeldJob] = []
        for job in claimed:
            prepared = self._prepared(job)
            if isinstance(prepared, FinishedJob):
                self._write_at_once(prepared)
            else:
                runnable.append(self._asking.held(job, prepared))
        if runnable:
            self._in_hand.add(runnable)
            # Asked once they are in hand: from then on no heartbeat gives them back.
            for refused in runnable if is_late() else self._slots.submit(runnable):
                self._asking.returned([refused])
                self._write_at_once(untouched(refused.job))

    def _prepared(self, job: ClaimedJob) -> Handler | FinishedJob:
        try:
            return self._prepare(job)
        except Exception as error:
            # One job that nobody can make anything of must not keep the others of its claim.
            described = describe_error(error)
            message = f"it could not be prepared: {described.type}: {described.message}"
            outcome = Bury(DeathReason.UNPROCESSABLE, message)
            return FinishedJob(job, decide(job, outcome, NoRetry()))

    def _write_at_once(self, finished: FinishedJob) -> None:
        """What will not be run holds no slot; the pump does not pause before it is written."""
        self._in_hand.add([HeldJob(finished.job, None)])
        self._outbox.add(finished)
