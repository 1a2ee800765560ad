"""What decides who answers for a job: the handler that ends, or the owner that has given it up."""

import ctypes
import threading
from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.core.errors import JobInterrupt

from .connections import cancel_statements


class Armed:
    """One running handler; an interrupt can reach it until it is disarmed.

    `thread_id` is where a sync handler runs, and `connections` are those of that thread; None for
    an async one, whose task is cancelled by its event loop.
    https://docs.python.org/3/c-api/threads.html#c.PyThreadState_SetAsyncExc
    """

    __slots__ = ("_connections", "_lock", "because", "is_armed", "thread_id", "was_given_up")

    def __init__(
        self, thread_id: int | None, *, connections: Sequence[BaseDatabaseWrapper] = ()
    ) -> None:
        self.thread_id, self._connections = thread_id, connections
        self._lock = threading.Lock()
        self.is_armed = True
        self.because: type[JobInterrupt] | None = None  #: what was fired
        self.was_given_up = False

    def fire(self, interrupt: type[JobInterrupt]) -> bool:
        """Raise `interrupt` in the handler's thread, once, after cancelling the SQL that it waits
        for; False if the handler has ended, or was interrupted before.
        """
        with self._lock:
            if not self.is_armed or self.because is not None:
                return False
            self.because = interrupt
            # Under the lock: until it is done, the handler's thread gets no further than disarm(),
            # so that no statement of the worker's own is hit.
            cancel_statements(self._connections)
            self._raise_in_thread(interrupt)
            return True

    def give_up(self) -> bool:
        """Whatever the handler answers from now on does not count; False if it has ended."""
        with self._lock:
            self.was_given_up = self.is_armed
            return self.was_given_up

    def disarm(self) -> None:
        """Called where the handler ran: nothing can be raised there from now on."""
        with self._lock:
            if self.because is not None and self.is_armed:
                # Not delivered yet: take it back, so that it does not hit the worker's own code.
                self._raise_in_thread(None)
            self.is_armed = False

    def _raise_in_thread(self, interrupt: type[JobInterrupt] | None) -> None:
        if self.thread_id is not None:
            exception = None if interrupt is None else ctypes.py_object(interrupt)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread_id), exception)
