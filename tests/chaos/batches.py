"""Who enqueues batches during a storm."""

import random
import threading

from django.db import Error, connection

from django_jobqueue import Batch

from .history import Event, History
from .jobs import batch_over, work

#: Far from the numbers of other jobs.
FIRST_NUMBER = 1_000_000
MEMBERS = 40


class BatchProducer(threading.Thread):
    """Enqueues so many batches, spread over `seconds`, of members that mostly take milliseconds and
    sometimes fail first.
    """

    def __init__(self, count: int, *, seconds: float, seed: int, history: History) -> None:
        super().__init__(name="chaos-batches")
        self._count, self._seconds, self._history = count, seconds, history
        self._random = random.Random(f"{seed} batches")
        self._hurry = threading.Event()

    def run(self) -> None:
        try:
            for index in range(self._count):
                first = FIRST_NUMBER + index * MEMBERS
                self._enqueue(range(first, first + MEMBERS))
                self._hurry.wait(self._seconds / self._count)
        finally:
            connection.close()

    def hurry(self) -> None:
        """Pause no more: the storm is over."""
        self._hurry.set()

    def _enqueue(self, numbers: range) -> None:
        for number in numbers:
            self._history.note(Event(event="enqueue.invoke", number=number))
        batch = Batch(on_finish=batch_over.using(result_as="batch_id").s())
        try:
            batch.enqueue(work.s(number, *self._drawn()) for number in numbers)
        except Error:
            answer = "unknown"  # the commit may have arrived
        else:
            answer = "ok"
        finally:
            connection.close()  # until the next one, something will have been done to it
        for number in numbers:
            self._history.note(Event(event=f"enqueue.{answer}", number=number))

    def _drawn(self) -> tuple[float, str]:
        first = self._random.choices(("succeed", "retry", "snooze"), (90, 5, 5))[0]
        return self._random.random() / 20, first
