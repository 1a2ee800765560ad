"""Who enqueues during a storm, and says what it knows of each job."""

import random
import threading
from collections.abc import Iterator
from typing import Any

from django.db import Error, connection, transaction

from .history import Event, History
from .jobs import work


class Abandoned(Exception):
    """Rolls back an enqueue on purpose."""


class Producer(threading.Thread):
    """Enqueues the jobs of `numbers`, spread over `seconds`: some of them short and some longer
    than a lease, some in a transaction that commits late, some in one that is rolled back.
    """

    def __init__(self, numbers: range, *, seconds: float, seed: int, history: History) -> None:
        super().__init__(name=f"chaos-producer-{numbers.start}")
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
        options = dict(self._drawn(number))
        try:
            if how < 0.03:
                self._roll_back(options)
                self._history.note(Event(event="enqueue.rolled_back", number=number))
                return
            job_id = self._commit_late(options) if how < 0.08 else work.enqueue(**options).id
        except Error:
            # The commit may have arrived. A connection that failed is not used again.
            connection.close()
            self._history.note(Event(event="enqueue.unknown", number=number))
            return
        self._history.note(Event(event="enqueue.ok", number=number, job=job_id))

    def _drawn(self, number: int) -> Iterator[tuple[str, Any]]:
        yield "number", number
        slow = self._random.random()
        yield "seconds", self._random.uniform(0.5, 2.5) if slow < 0.1 else slow / 50
        yield "first", self._random.choices(("succeed", "retry", "snooze"), (90, 5, 5))[0]

    def _commit_late(self, options: dict[str, Any]) -> int:
        with transaction.atomic():
            job_id = work.enqueue(**options).id
            self._hurry.wait(0.3)
        return job_id

    def _roll_back(self, options: dict[str, Any]) -> None:
        try:
            with transaction.atomic():
                work.enqueue(**options)
                raise Abandoned
        except Abandoned:
            return
