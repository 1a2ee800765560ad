"""The pump: one loop, one connection; it writes what finished and claims what is free, in one round
trip.
"""

import threading
from collections.abc import Callable, Sequence

from django_jobqueue.core.clock import monotonic
from django_jobqueue.core.specs import AttemptReport, ClaimedJob, FinishedJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.handlers import Handler
from django_jobqueue.service import ServiceTask, StopReceiver
from django_jobqueue.store import JobStore

from .hands import HeldJob, InHand
from .looking import Looking
from .membership import Membership
from .outbox import Outbox
from .queues import ServedQueues
from .slots import Ask, Slots

Prepare = Callable[[ClaimedJob], Handler | FinishedJob]

#: A job that was claimed and not started goes back as it was.
UNTOUCHED = Transition(state=JobState.READY, attempt_change=-1, keeps_place=True)
INTERRUPTED = Transition(
    state=JobState.READY,
    attempt_change=-1,
    keeps_place=True,
    report=AttemptReport(outcome="released", message="interrupted by the shutdown of its worker"),
)
#: An exchange that only writes.
NOTHING: Ask = ([], 0)


class Pump(ServiceTask):
    """Keeps the slots filled. Returns when it was stopped and has drained, or, with `until_empty`,
    when nothing is due.
    """

    id = "pump"
    #: How soon to see whether the heartbeat has registered this worker.
    UNREGISTERED_SECONDS = 0.05
    #: How long interrupted handlers have to end before they are given up; the second is for a
    #: worker that was told to hurry.
    INTERRUPT_SECONDS, HURRY_SECONDS = 2.0, 0.5

    def __init__(
        self,
        *,
        store: JobStore,
        membership: Membership,
        in_hand: InHand,
        slots: Slots,
        queues: ServedQueues,
        prepare: Prepare,
        events: EventBus,
        poll_seconds: float,
        drain_seconds: float,
        until_empty: bool = False,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._store, self._membership, self._in_hand = store, membership, in_hand
        self._slots, self._queues, self._prepare = slots, queues, prepare
        self._looking = Looking(poll_seconds=poll_seconds, elapsed=elapsed)
        self._poll_seconds, self._drain_seconds = poll_seconds, drain_seconds
        self._until_empty, self._elapsed = until_empty, elapsed
        self._outbox = Outbox(
            store=store, in_hand=in_hand, events=events, settled=slots.settled, elapsed=elapsed
        )
        self._wake = threading.Event()
        self._found_nothing = False  #: by a look with empty hands: what ends may make a job ready
        self._drain_until: float | None = None
        self._interrupt_seconds = self.INTERRUPT_SECONDS
        self.polling = threading.Event()  #: set once the first look was taken
        self.drained = threading.Event()  #: set once nothing is in hand and nothing will be claimed
        self.abandoned = False  #: True when handlers were still running at the end

    # Called from other threads.

    def wake(self) -> None:
        """There may be work: look at once."""
        self._looking.ask()
        self._wake.set()

    def report(self, held: HeldJob, finished: FinishedJob) -> None:
        """A runner is done with a job."""
        held.interrupt_with(None)
        self._outbox.add(finished)
        self._slots.ended(held)
        if not self._wake.is_set():  # a look is cheaper than setting it again for each job
            self._wake.set()

    def hurry(self) -> None:
        """Give back at once what still runs."""
        self._interrupt_seconds = self.HURRY_SECONDS
        self._drain_until = self._elapsed()
        self._wake.set()

    # The loop.

    def run(self, stop: StopReceiver) -> None:
        self._slots.start()
        with stop.notifying(self._wake.set):
            try:
                while not stop.is_set():
                    self._wake.clear()
                    self.tick()
                    self.polling.set()
                    if self._until_empty and self._is_empty():
                        break
                    self._wake.wait(self.rest())
                self._drain()
            finally:
                if not self.abandoned:
                    self.abandoned = not self._slots.stop(timeout=self.INTERRUPT_SECONDS)
                self.drained.set()
                self._store.close()

    def tick(self) -> int:
        """One round: write what finished, claim what is free; return how many jobs were claimed."""
        if self._outbox.retry_in:
            return 0
        try:
            return self._exchange()
        except Exception as error:
            # A database error never ends the pump; outcomes are kept and written later.
            self._outbox.failed(error)
            return 0

    def _exchange(self) -> int:
        names = self._names() if self._should_look() else None
        asks = self._slots.asks(names or ())
        me, claimed = self._membership.worker_id, 0
        had_empty_hands = not len(self._in_hand)
        for wanted, total in asks or [NOTHING]:
            jobs = self._outbox.exchange(worker_id=me, wanted=wanted, total=total)
            self._dispatch(jobs)
            claimed += len(jobs)
        if names is not None:
            self._found_nothing = had_empty_hands and not claimed
            self._looking.found(claimed, of=sum(total for _, total in asks))
        return claimed

    def _should_look(self) -> bool:
        if not self._slots.have_room or not self._membership.may_claim():
            return False
        return len(self._outbox) > 0 or not self._looking.due_in

    def _names(self) -> list[str]:
        self._looking.begin()
        return self._queues.names(fresh=self._looking.in_vain)

    def rest(self) -> float:
        """Seconds until there is something to do, unless somebody wakes the pump."""
        if self._outbox.retry_in or len(self._outbox):
            return self._outbox.retry_in
        if not self._slots.have_room:
            return self._poll_seconds
        if not self._membership.may_claim():
            return self.UNREGISTERED_SECONDS
        return self._looking.due_in

    def _dispatch(self, claimed: Sequence[ClaimedJob]) -> None:
        runnable: list[HeldJob] = []
        for job in claimed:
            prepared = self._prepare(job)
            if isinstance(prepared, FinishedJob):
                self._write_at_once(prepared)
            else:
                runnable.append(HeldJob(job, prepared))
        if runnable:
            self._in_hand.add(runnable)
            for refused in self._slots.submit(runnable):
                self._write_at_once(FinishedJob(refused.job, UNTOUCHED))

    def _write_at_once(self, finished: FinishedJob) -> None:
        """What will not be run holds no slot."""
        self._in_hand.add([HeldJob(finished.job, None)])
        self._outbox.add(finished)
        self._wake.set()

    def _is_empty(self) -> bool:
        """Whether the last look found nothing, nothing is in hand, and nothing scheduled is due."""
        looked_in_vain = self._found_nothing and not self._looking.is_asked
        if not looked_in_vain or len(self._in_hand) or self._outbox.retry_in:
            return False
        try:
            promoted = self._store.promote()
        except Exception as error:
            self._outbox.failed(error)
            return False
        if promoted.count:
            self._looking.ask()
        return not promoted.count

    # The end.

    def _drain(self) -> None:
        """Claim nothing more, let what runs end, give back the rest."""
        if self._drain_until is None:
            self._drain_until = self._elapsed() + self._drain_seconds
        self._give_back(self._slots.take_back())
        self._write_until(lambda: self._drain_until or 0.0)
        if not len(self._in_hand):
            return
        running = self._in_hand.all()
        for held in running:
            held.interrupt()
        self.abandoned = not self._slots.stop(timeout=self._interrupt_seconds)
        self._give_back(running)
        until = self._elapsed() + self._interrupt_seconds
        self._write_until(lambda: until)

    def _write_until(self, deadline: Callable[[], float]) -> None:
        """Write outcomes as they come, until nothing is in hand or the deadline has passed."""
        while True:
            self._wake.clear()
            self.write()
            left = deadline() - self._elapsed()
            if not len(self._in_hand) or left <= 0:
                return
            if len(self._outbox) and not self._outbox.retry_in:
                continue
            self._wake.wait(min(left, self._outbox.retry_in or left))

    def write(self) -> None:
        """Write outcomes and claim nothing."""
        if self._outbox.retry_in:
            return
        try:
            self._outbox.exchange(worker_id=self._membership.worker_id)
        except Exception as error:
            self._outbox.failed(error)

    def _give_back(self, jobs: Sequence[HeldJob]) -> None:
        self._outbox.give_back(
            [FinishedJob(one.job, INTERRUPTED if one.has_started else UNTOUCHED) for one in jobs]
        )
