"""Where handlers run: threads for sync ones, one event loop for async ones."""

import asyncio
import contextvars
import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Protocol

from django_jobqueue.core.clock import monotonic

from .hands import HeldJob

logger = logging.getLogger(__name__)


CleanUp = Callable[[], Coroutine[object, object, None]]


class Runners(Protocol):
    """Takes held jobs and runs them, the first come first."""

    slots: int  #: how many run at once

    @property
    def is_stuck(self) -> bool:
        """Whether nothing that runs can end, because of a handler that was given up."""
        ...

    def start(self) -> None: ...

    def submit(self, jobs: Sequence[HeldJob]) -> None: ...

    def take_back(self) -> list[HeldJob]:
        """Return the jobs that have not begun; they will not run."""
        ...

    def waiting(self) -> int:
        """How many submitted jobs have not begun."""
        ...

    def replace(self, held: HeldJob) -> None:
        """The handler of this job was given up: run another in its place. From any thread."""
        ...

    def stop(self, *, timeout: float) -> bool:
        """Take nothing more; return whether all that ran has ended within `timeout` seconds."""
        ...


class ThreadRunners:
    """`slots` threads; `perform` must not raise. `at_end` is called in each thread when it ends,
    `at_rest` when it has had nothing to do for a second.
    """

    REST_SECONDS = 1.0
    is_stuck = False  #: each has a thread of its own

    def __init__(
        self,
        slots: int,
        perform: Callable[[HeldJob], None],
        *,
        at_rest: Callable[[], None] = lambda: None,
        at_end: Callable[[], None],
    ) -> None:
        self.slots = slots
        self._perform, self._at_rest, self._at_end = perform, at_rest, at_end
        self._queue: SimpleQueue[HeldJob | None] = SimpleQueue()
        self._numbers = count(1)
        self._changing = threading.Lock()
        self._is_stopped = False
        self._threads: list[threading.Thread] = []
        self._leaked: list[threading.Thread] = []  #: their handlers were given up

    def start(self) -> None:
        with self._changing:
            for _ in range(self.slots):
                self._start_one()

    def submit(self, jobs: Sequence[HeldJob]) -> None:
        for held in jobs:
            self._queue.put(held)

    def take_back(self) -> list[HeldJob]:
        taken: list[HeldJob] = []
        try:
            while True:
                if (held := self._queue.get_nowait()) is not None:
                    taken.append(held)
        except Empty:
            return taken

    def waiting(self) -> int:
        return self._queue.qsize()

    def replace(self, held: HeldJob) -> None:
        thread_id = held.armed and held.armed.thread_id
        with self._changing:
            for thread in self._threads:
                if thread.ident == thread_id:
                    self._threads.remove(thread)
                    self._leaked.append(thread)
                    if not self._is_stopped:
                        self._start_one()
                    return

    def stop(self, *, timeout: float) -> bool:
        with self._changing:
            self._is_stopped = True
            threads = tuple(self._threads)
        for _ in threads:
            self._queue.put(None)
        until = monotonic() + timeout
        for thread in threads:
            thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in (*threads, *self._leaked))

    def _start_one(self) -> None:
        name = f"jobqueue-runner-{next(self._numbers)}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run(self) -> None:
        try:
            held = self._queue.get()
            while held is not None:
                self._perform(held)
                if held.was_given_up:
                    return  # after all it has ended; another thread is in its place
                held = self._next()
        finally:
            self._at_end()

    def _next(self) -> HeldJob | None:
        try:
            return self._queue.get(timeout=self.REST_SECONDS)
        except Empty:
            self._at_rest()
            return self._queue.get()


class EventLoopRunner:
    """One thread with an event loop that runs up to `slots` coroutines at once; `perform` must not
    raise.

    `tidy` is called in the loop at most once a second while jobs end, and `at_end` once at the end:
    they await what must be cleaned up behind handlers, such as database connections. Each of them
    runs in a copy of `context`.
    """

    TIDY_SECONDS = 1.0
    #: A loop that was asked something for so long is held by a handler.
    STUCK_SECONDS = 5.0

    def __init__(
        self,
        slots: int,
        perform: Callable[[HeldJob], Coroutine[object, object, None]],
        *,
        tidy: CleanUp,
        at_end: CleanUp,
        context: contextvars.Context | None = None,
    ) -> None:
        self.slots = slots
        self._context = contextvars.Context() if context is None else context
        self._perform, self._tidy, self._at_end = perform, tidy, at_end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._parked: deque[HeldJob] = deque()
        self._tasks: dict[asyncio.Task[None], HeldJob] = {}
        self._leaked: set[asyncio.Task[None]] = set()  #: their handlers were given up
        self._asked_at = math.inf  #: when `replace` asked what the loop has not answered yet
        self._tidying: asyncio.Task[None] | None = None  #: apart from the tasks: it holds no slot
        self._next_tidy = 0.0

    def start(self) -> None:
        # Made here, so that one that cannot be made is an error of the caller; what is called in it
        # before its thread runs is not lost.
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = runner.get_loop()
        self._thread = threading.Thread(
            target=self._run, args=(runner, self._loop), name="jobqueue-event-loop", daemon=True
        )
        self._thread.start()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop, once it was started."""
        assert self._loop is not None
        return self._loop

    def submit(self, jobs: Sequence[HeldJob]) -> None:
        self._parked.extend(jobs)
        self._call(self._fill)

    def take_back(self) -> list[HeldJob]:
        return list(iter(self._next_parked, None))

    def waiting(self) -> int:
        return len(self._parked)

    def replace(self, held: HeldJob) -> None:
        self._asked_at = min(self._asked_at, monotonic())
        self._call(partial(self._leak, held))

    @property
    def is_stuck(self) -> bool:
        return monotonic() - self._asked_at >= self.STUCK_SECONDS

    def stop(self, *, timeout: float) -> bool:
        if self._thread is None:
            return True
        self._call(self._stop_when_idle)
        # What has not ended after half of the time is cancelled, and has the other half for that.
        self._thread.join(timeout / 2)
        if self._thread.is_alive():
            self._call(self._cancel_all)
            self._thread.join(timeout / 2)
        return not self._thread.is_alive()

    def _run(self, runner: asyncio.Runner, loop: asyncio.AbstractEventLoop) -> None:
        with runner:
            until_stopped = self._begin(loop, self._until_stopped())
            while not until_stopped.done():
                try:
                    loop.run_until_complete(until_stopped)
                except (SystemExit, KeyboardInterrupt):
                    # Of a task that a handler has made: asyncio hands it to who awaits the task,
                    # and leaves the loop with it besides.
                    continue

    async def _until_stopped(self) -> None:
        await self._stopped.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._tidying is not None:
            await self._tidying
        await self._clean_up(self._at_end)

    def _call(self, function: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)

    def _fill(self) -> None:
        while len(self._tasks) < self.slots and (held := self._next_parked()) is not None:
            task = self._begin(asyncio.get_running_loop(), self._perform(held))
            held.interrupt_with(lambda task=task: self._call(task.cancel))  # type: ignore[misc]
            self._tasks[task] = held
            task.add_done_callback(self._ended)

    def _leak(self, held: HeldJob) -> None:
        self._asked_at = math.inf
        for task in [task for task, of in self._tasks.items() if of is held]:
            del self._tasks[task]
            self._leaked.add(task)
        self._fill()

    def _next_parked(self) -> HeldJob | None:
        try:
            return self._parked.popleft()
        except IndexError:  # the loop and the pump both take from it
            return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        self._leaked.discard(task)
        self._fill()
        loop = asyncio.get_running_loop()
        is_tidying = self._tidying is not None and not self._tidying.done()
        if self._tasks or is_tidying or self._stopped.is_set():
            return  # handlers share the thread's connection: it is cleaned behind the last of them
        if loop.time() >= self._next_tidy:
            self._next_tidy = loop.time() + self.TIDY_SECONDS
            self._tidying = self._begin(loop, self._clean_up(self._tidy))

    def _begin(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[object, object, None]
    ) -> asyncio.Task[None]:
        return loop.create_task(coroutine, context=self._context.copy())

    async def _clean_up(self, clean_up: CleanUp) -> None:
        try:
            await clean_up()
        except Exception:
            logger.exception("cleaning up behind async jobs failed")

    def _stop_when_idle(self) -> None:
        self._stopped.set()

    def _cancel_all(self) -> None:
        for task in (*self._tasks, *self._leaked):
            task.cancel()
