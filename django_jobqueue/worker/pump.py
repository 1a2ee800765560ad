"""The pump: one loop, one connection; it writes what finished and claims what is free, in one round
trip.
"""

import threading
from collections.abc import Callable

from django_jobqueue.core.specs import FinishedJob
from django_jobqueue.service import ServiceTask, StopReceiver
from django_jobqueue.store import JobStore

from .asking import Asking
from .dispatching import Dispatching, Prepare
from .draining import Drain
from .hands import HeldJob, InHand
from .hearing import Wake
from .looking import Looking
from .membership import Membership
from .outbox import Outbox
from .pauses import Pauses
from .queues import ServedQueues
from .slots import Slots


class Pump(ServiceTask):
    """Keeps the slots filled. Returns when it was stopped and has drained, or, with `until_empty`,
    when nothing is due and `others_are_idle`.

    With `at_rest`, it polls only while it finds something: then it calls that, and waits to be
    woken. In its pauses it waits for `wake`.
    """

    id = "pump"
    #: How soon to see whether the heartbeat has registered this worker.
    UNREGISTERED_SECONDS = 0.05
    _found_nothing = _is_retiring = False

    def __init__(
        self,
        *,
        store: JobStore,
        membership: Membership,
        in_hand: InHand,
        slots: Slots,
        queues: ServedQueues,
        asking: Asking,
        prepare: Prepare,
        outbox: Outbox,
        looking: Looking,
        pauses: Pauses,
        drain: Drain,
        poll_seconds: float,
        until_empty: bool = False,
        others_are_idle: Callable[[], bool] = lambda: True,
        at_rest: Callable[[], object] | None = None,
        wake: Wake,
    ) -> None:
        self._store, self._membership, self._in_hand = store, membership, in_hand
        self._slots, self._queues, self._asking = slots, queues, asking
        self._dispatching = Dispatching(prepare, in_hand, slots, asking, outbox)
        self._outbox, self._looking, self._pauses, self._drain = outbox, looking, pauses, drain
        self._poll_seconds, self._at_rest, self._wake = poll_seconds, at_rest, wake
        self._until_empty, self._others_are_idle = until_empty, others_are_idle
        self.polling = threading.Event()  #: set once the first look was taken
        self.drained = threading.Event()  #: set once nothing is in hand and nothing will be claimed
        self.leaked = 0  #: handlers that were given up, and hold their threads
        self.abandoned = False  #: True while handlers may be running, and when they did to the end

    # Called from other threads.

    def wake(self, queue: str | None = None) -> None:
        """There may be work, in this queue if one is named: look at once."""
        self._queues.tell(queue)
        self._looking.ask(told=queue is not None)
        self._wake.set()

    def report(self, held: HeldJob, finished: FinishedJob) -> None:
        """A runner is done with a job, or its handler was given up."""
        held.interrupt_with(None)
        # In this order: what is in the outbox may be settled at once, as a job that has ended.
        self._slots.ended(held)
        self._outbox.add(finished, is_written=held.is_written)
        if not self._wake.is_set():  # a look is cheaper than setting it again for each job
            self._wake.set()
        if held.was_given_up:
            self.leaked += 1
            self._slots.replace(held)

    def retire(self) -> None:
        """Claim nothing more, let what runs end however long it takes, and return; what cannot end
        is given back after the drain.
        """
        self._is_retiring = True
        self._wake.set()

    def hurry(self) -> None:
        """Give back at once what still runs."""
        self._drain.hurry()
        self._wake.set()

    @property
    def finished(self) -> int:
        """How many jobs have been written, whatever came of them."""
        return self._outbox.written

    # The loop.

    def run(self, stop: StopReceiver) -> None:
        with stop.notifying(self._drain.expect), stop.notifying(self._wake.set):
            try:
                self.abandoned = True
                self._slots.start()
                while not stop.is_set():
                    self._wake.clear()
                    self.tick()
                    self.polling.set()
                    if self._is_done():
                        break
                    self._pause()
                self.abandoned = not self._drain.run(self._wake)
            finally:
                self.drained.set()
                self._store.close()
                self._outbox.telling.close(self._drain.seconds_left)

    def _pause(self) -> None:
        if self._at_rest is not None and self._is_idle():
            self._at_rest()
            self._wake.wait()
        else:
            self._wake.wait(self.rest())

    def tick(self) -> int:
        """One round: write what finished, claim what is free; return how many jobs were claimed."""
        claimed = self._round()
        if not (claimed and len(self._outbox)) or self._outbox.retry_in:
            self._asking.begin()  # no exchange follows at once
        return claimed

    def _round(self) -> int:
        if self._outbox.retry_in or self._slots.gathers_for:
            return 0
        waits_in_vain = self._slots.take_back() if self._is_retiring else self._slots.surplus()
        self._asking.give_back(waits_in_vain)
        try:
            # Kept in place: as if they had never been claimed, they are the first to be resumed.
            self._asking.give_back(self._pauses.take_back())
            return self._exchange()
        except Exception as error:
            # A database error never ends the pump; outcomes are kept and written later.
            self._outbox.failed(error)
            return 0

    def _exchange(self) -> int:
        names = self._names() if self._should_look() else None
        me, had_empty_hands = self._membership.worker_id, not len(self._in_hand)
        claimed = self._asking.exchange(names, worker_id=me, dispatch=self._dispatching.dispatch)
        if names is not None:
            # With jobs in hand it says nothing: what ends may make others ready.
            is_empty = not claimed and self._asking.has_swept and self._queues.has_swept
            self._found_nothing = had_empty_hands and is_empty
            self._looking.saw(everything=self._found_nothing)
        return claimed

    def _should_look(self) -> bool:
        if self._is_retiring or not self._slots.have_room or not self._membership.may_claim():
            return False
        return len(self._outbox) > 0 or not self._looking.due_in

    def _names(self) -> list[str]:
        self._looking.begin()
        return self._queues.names(fresh=self._looking.in_vain, hurried=self._looking.was_woken)

    def rest(self) -> float:
        """Seconds until there is something to do, unless somebody wakes the pump."""
        if self._outbox.retry_in or len(self._outbox):
            return self._outbox.retry_in or self._slots.gathers_for
        if not self._slots.have_room:
            longest = self._poll_seconds
        elif not self._membership.may_claim():
            longest = self.UNREGISTERED_SECONDS
        else:
            longest = self._looking.due_in
        return min(longest, self._pauses.due_in) if self._slots.have_waiting else longest

    def _is_done(self) -> bool:
        if self._is_retiring:
            return not any(map(self._slots.may_end, self._in_hand.all()))
        return self._until_empty and self._is_idle() and self._is_told() and self._is_empty()

    def _is_told(self) -> bool:
        """Whether receivers have heard everything, and whatever they enqueued was looked for."""
        if has_told := self._outbox.telling.tell_rest():
            self._looking.ask()
        return not has_told

    def _is_idle(self) -> bool:
        """Whether the last look found nothing, and nothing is in hand."""
        looked_in_vain = self._found_nothing and not self._looking.is_asked
        return looked_in_vain and not len(self._in_hand) and not self._outbox.retry_in

    def _is_empty(self) -> bool:
        """Whether nothing scheduled is due, and nobody else has anything to do."""
        if not self._others_are_idle():
            return False
        try:
            promoted, unblocked = self._store.promote(), self._store.unblock()
        except Exception as error:
            self._outbox.failed(error)
            return False
        if found := promoted.count + unblocked.count:
            self._looking.ask()
        return not found
