"""Who enqueues during a storm, and says what it knows of each job."""

import random
import threading
from collections.abc import Callable
from functools import partial
from itertools import cycle

from django.db import Error, connection, transaction

from django_jobqueue import JobHandle

from .history import Event, History
from .jobs import ENDINGS, doomed, insert, limited, work

#: One in so many runs in the transaction of its finish.
TRANSACTIONAL = 20
#: One in so many is under a limit.
LIMITED = 25
Enqueue = Callable[[], JobHandle]


class Abandoned(Exception):
    """Rolls back an enqueue on purpose."""


class Producer(threading.Thread):
    """Enqueues the jobs of `numbers`, spread over `seconds`: some of them short and some longer
    than a lease, some in a transaction that commits late, some in one that is rolled back; and
    among them as many `doomed` ones, evenly spread, of each kind in turn.
    """

    def __init__(
        self, numbers: range, *, doomed: int, seconds: float, seed: int, history: History
    ) -> None:
        super().__init__(name=f"chaos-producer-{numbers.start}")
        self._doomed = dict(zip(_spread(numbers, doomed), cycle(ENDINGS), strict=False))
        self._numbers, self._seconds, self._history = numbers, seconds, history
        self._random = random.Random(f"{seed} {numbers.start}")
        self._hurry = threading.Event()

    def run(self) -> None:
        pause = self._seconds / len(self._numbers)
        try:
            for number in self._numbers:
                self._enqueue(number)
                self._hurry.wait(pause * self._random.uniform(0.2, 1.5))
        finally:
            connection.close()

    def hurry(self) -> None:
        """Pause no more: the storm is over."""
        self._hurry.set()

    def _enqueue(self, number: int) -> None:
        self._history.note(Event(event="enqueue.invoke", number=number))
        how = self._random.random()
        enqueue = self._drawn(number)
        try:
            if how < 0.03 and number not in self._doomed:
                self._roll_back(enqueue)
                self._history.note(Event(event="enqueue.rolled_back", number=number))
                return
            job_id = self._commit_late(enqueue) if how < 0.08 else enqueue().id
        except Error:
            # The commit may have arrived. A connection that failed is not used again.
            connection.close()
            self._history.note(Event(event="enqueue.unknown", number=number))
            return
        self._history.note(Event(event="enqueue.ok", number=number, job=job_id))

    def _drawn(self, number: int) -> Enqueue:
        slow = self._random.random()
        seconds = self._random.uniform(0.5, 2.5) if slow < 0.1 else slow / 50
        first = self._random.choices(("succeed", "retry", "snooze"), (90, 5, 5))[0]
        if how := self._doomed.get(number):
            return partial(doomed.enqueue, number=number, how=how)
        if number % TRANSACTIONAL == 0:
            return partial(insert.enqueue, number=number)
        if number % LIMITED == 1:
            return partial(limited.enqueue, number=number, seconds=slow / 20)
        return partial(work.enqueue, number=number, seconds=seconds, first=first)

    def _commit_late(self, enqueue: Enqueue) -> int:
        with transaction.atomic():
            job_id = enqueue().id
            self._hurry.wait(0.3)
        return job_id

    def _roll_back(self, enqueue: Enqueue) -> None:
        try:
            with transaction.atomic():
                enqueue()
                raise Abandoned
        except Abandoned:
            return


def _spread(numbers: range, count: int) -> list[int]:
    return [numbers[int((index + 0.5) * len(numbers) / count)] for index in range(count)]
