"""Which jobs of a memory queue wait, which are in hand, and which are dead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from threading import Lock

import msgspec

from django_jobqueue.core.clock import Clock

from .errors import QueueFull, QueueShutDown
from .waiting import Moment

NOT_RUN = "queue shutdown before job ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDeadLetter:
    """A job of a memory queue that will not run again, and why; `attempts` is how often it ran."""

    id: int
    name: str
    payload: object
    attempts: int
    error: str
    failed_at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """One job that is not over; its payload is JSON, read anew for each attempt."""

    id: int
    name: str
    payload: str
    key: str | None
    attempt: int = 0


class Ledger:
    """Every job from its push to its end. A job is pending, in flight, dead, or gone."""

    def __init__(self, *, clock: Clock, max_pending: int | None) -> None:
        self._clock = clock
        self._max_pending = max_pending
        self._lock = Lock()
        self._ids = count(1)
        self._pending: dict[int, Entry] = {}
        self._in_flight: dict[int, Entry] = {}
        self._by_key: dict[str, Entry] = {}
        self._dead: list[MemoryDeadLetter] = []
        self._is_closed = self._takes_none_back = False
        #: It is closed, and no job is pending or in flight.
        self.settled = Moment()

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @property
    def pending_count(self) -> int:
        return len(self._pending)

    @property
    def inflight_count(self) -> int:
        return len(self._in_flight)

    @property
    def dead_letters(self) -> Sequence[MemoryDeadLetter]:
        with self._lock:
            return tuple(self._dead)

    def clear_dead_letters(self) -> int:
        """Forget them; return how many there were."""
        with self._lock:
            cleared, self._dead = len(self._dead), []
        return cleared

    def admit(self, name: str, payload: str, *, key: str | None) -> tuple[Entry, bool]:
        """Return a new pending job, or the one that has the key, and whether it is new.

        QueueShutDown once closed; QueueFull where as many are pending as may be.
        """
        with self._lock:
            if self._is_closed:
                raise QueueShutDown
            if key is not None and (holder := self._by_key.get(key)) is not None:
                return holder, False
            if self._max_pending is not None and len(self._pending) >= self._max_pending:
                raise QueueFull(self._max_pending)
            entry = Entry(id=next(self._ids), name=name, payload=payload, key=key)
            self._pending[entry.id] = entry
            if key is not None:
                self._by_key[key] = entry
            return entry, True

    def begin(self, entry: Entry) -> bool:
        """Take a pending job in hand, which is its next attempt; False if it is not pending."""
        with self._lock:
            if self._pending.pop(entry.id, None) is None:
                return False
            self._in_flight[entry.id] = entry
            entry.attempt += 1
            return True

    def take_back(self, entry: Entry, *, attempt: int) -> bool:
        """Let a job wait again after this many attempts; False if it may not any more."""
        with self._lock:
            if self._takes_none_back:
                return False
            del self._in_flight[entry.id]
            entry.attempt = attempt
            self._pending[entry.id] = entry
            return True

    def end(self, entry: Entry) -> None:
        """Forget a job that is over."""
        with self._lock:
            self._remove(entry)
            self._settle()

    def bury(self, entry: Entry, error: str) -> bool:
        """Make it a dead letter; False if it is one already."""
        with self._lock:
            is_buried = self._bury(entry, error)
            self._settle()
        return is_buried

    def close(self) -> bool:
        """Admit no more jobs; False if it was closed before."""
        with self._lock:
            was_open, self._is_closed = not self._is_closed, True
            self._settle()
        return was_open

    def bury_pending(self) -> None:
        """Bury what waits; from now on nothing waits again."""
        with self._lock:
            self._takes_none_back = True
            for entry in tuple(self._pending.values()):
                self._bury(entry, NOT_RUN)
            self._settle()

    def _bury(self, entry: Entry, error: str) -> bool:
        if not self._remove(entry):
            return False
        letter = MemoryDeadLetter(
            id=entry.id,
            name=entry.name,
            payload=msgspec.json.decode(entry.payload),
            attempts=entry.attempt,
            error=error,
            failed_at=self._clock.now(),
        )
        self._dead.append(letter)
        return True

    def _remove(self, entry: Entry) -> bool:
        was_pending = self._pending.pop(entry.id, None)
        was_in_flight = self._in_flight.pop(entry.id, None)
        if entry.key is not None and self._by_key.get(entry.key) is entry:
            del self._by_key[entry.key]
        return was_pending is not None or was_in_flight is not None

    def _settle(self) -> None:
        if self._is_closed and not self._pending and not self._in_flight:
            self.settled.come()
