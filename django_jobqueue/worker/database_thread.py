"""The thread in which async handlers talk to their databases, one call at a time."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any, NoReturn, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.events import EventBus

from .connections import cancel_statements, connections_of_thread
from .hygiene import close_connections
from .watching import Watching

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class _Call(Future[Any]):
    """What asgiref awaits, and cancels once whoever had awaited it was cancelled."""

    def __init__(
        self, function: Callable[[], Any], *, abandoned: Callable[["_Call"], object]
    ) -> None:
        super().__init__()
        self.function, self._tell_abandoned = function, abandoned
        self.is_abandoned = False

    def cancel(self) -> bool:
        if super().cancel():
            return True
        if not self.done():
            self._tell_abandoned(self)
        return False


class DatabaseThread(Executor):
    """Where `sync_to_async` runs what is thread-sensitive, the ORM's async methods included, for
    the async handlers of one event loop. They share the thread's connections.

    A call that nobody awaits any more, because its handler was cancelled, timed out or released,
    is ended, lest it hold up those of all other handlers: the statement that it waits for is
    cancelled, and any further one is refused with CancelledError. One that goes on for `grace`
    seconds all the same is given up: another thread takes its place.
    """

    #: A statement may begin just after a look for one.
    LOOK_SECONDS = 0.25
    #: What a statement that was cancelled has at least to end.
    LEAST_GRACE = 2.0

    def __init__(self, watching: Watching, *, grace: float, events: EventBus) -> None:
        self._watching, self._events = watching, events
        self._grace = max(grace, self.LEAST_GRACE)
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._changing, self._starting = threading.Lock(), threading.Lock()
        self.given_up = 0  #: how many calls hold threads of their own by now, or did
        self._running: _Call | None = None
        self._connections: Sequence[BaseDatabaseWrapper] = ()
        self._thread: threading.Thread | None = None

    def make_context(self) -> contextvars.Context:
        """Return an empty context for tasks: what they call goes to this thread."""
        key, context = ThreadSensitiveContext(), contextvars.Context()
        # As entering it would, but the executor is ours; asgiref forgets it with the context.
        SyncToAsync.context_to_thread_executor[key] = self
        context.run(SyncToAsync.thread_sensitive_context.set, key)
        return context

    def submit(
        self,
        function: Callable[Parameters, Result],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[Result]:
        call = _Call(partial(function, *args, **kwargs), abandoned=self._abandon)
        self._calls.put(call)
        if self._thread is None:
            self._start()
        return call

    async def end(self) -> None:
        """Let the thread go, with its connections, once it has done the calls that it has."""
        self.shutdown()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            self._calls.put(None)
            if wait:
                thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="jobqueue-database", daemon=True
                )
                self._thread.start()

    # In the thread.

    def _run(self) -> None:
        self._connections = connections_of_thread()
        try:
            while (call := self._calls.get()) is not None:
                if not self._perform(call):
                    return  # another is in its place
        finally:
            close_connections()

    def _perform(self, call: _Call) -> bool:
        self._running = call  # before it counts as running: who cancels it then must find it here
        if not call.set_running_or_notify_cancel():
            return True
        try:
            result = call.function()
        except BaseException as error:
            goes_on = self._end(call)
            call.set_exception(error)
            del call  # which has the error, and its traceback this frame
        else:
            goes_on = self._end(call)
            call.set_result(result)
        return goes_on

    def _end(self, call: _Call) -> bool:
        with self._changing:  # a cancel request that is on its way must not meet the next call
            if self._running is not call:
                return False
            self._running = None
            if call.is_abandoned:
                for connection in self._connections:
                    connection.execute_wrappers.remove(_refuse)
            return True

    # In the event loop, and in the watching thread.

    def _abandon(self, call: _Call) -> None:
        with self._changing:
            if self._running is not call:
                return  # it has just ended
            call.is_abandoned = True
            for connection in self._connections:
                # The first: whoever adds one meanwhile takes the last away again.
                connection.execute_wrappers.insert(0, _refuse)
        self._watching.after(0.0, partial(self._interrupt, call))
        self._watching.after(self._grace, partial(self._give_up, call))

    def _interrupt(self, call: _Call) -> None:
        with self._changing:
            if self._running is not call:
                return
            cancel_statements(self._connections)
        self._watching.after(self.LOOK_SECONDS, partial(self._interrupt, call))

    def _give_up(self, call: _Call) -> None:
        with self._changing:
            if self._running is not call:
                return
            self._running, self._thread = None, None
            self.given_up += 1
        self._start()
        self._events.emit("database_thread.replaced", given_up=self.given_up)


def _refuse(*_: object) -> NoReturn:
    raise asyncio.CancelledError("nobody awaits this call any more")
