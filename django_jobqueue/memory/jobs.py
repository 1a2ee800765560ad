"""A job queue in memory: named handlers, delays, retries and dead letters."""

import inspect
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Literal, assert_never

import msgspec

from django_jobqueue.core.backoff import Backoff, NoRetry
from django_jobqueue.core.clock import Clock, Seconds, SystemClock, seconds_of
from django_jobqueue.core.errors import HandlerAlreadyRegistered, PayloadError
from django_jobqueue.core.payloads import dump_payload
from django_jobqueue.core.retry import RetryPolicy

from .errors import PayloadNotSerialised, QueueClosed, QueueShutDown
from .ledger import NOT_RUN, Entry, Ledger, MemoryDeadLetter
from .operations import OperationQueue
from .timer import Timer
from .verdicts import Again, Dead, Done, verdict_on

logger = logging.getLogger("django_jobqueue.memory")

NO_HANDLER = "no handler registered"
SHUTDOWN_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryJob:
    """What a handler is called with; `attempt` counts from 1."""

    id: int
    name: str
    payload: object
    attempt: int


MemoryHandler = Callable[[MemoryJob], object]
Pending = Literal["run", "bury"]


@dataclass(frozen=True, slots=True)
class _Turn:
    """The operation that runs a job once."""

    perform: Callable[[], object]


class MemoryQueue:
    """Runs jobs by name on `workers` threads, until the process ends: nothing is stored.

    Payloads are JSON, and a handler gets a copy of its own for each attempt. Handlers answer as
    those of the database queue do: by returning, raising, or with Retry, Snooze, Cancel, Discard or
    Unprocessable; coroutine functions run in an event loop of their thread. `retry` is a backoff,
    for three attempts, or a RetryPolicy; without it the first failure is final.

    Every method may be called from any thread, and none but `shutdown` blocks.
    """

    def __init__(
        self,
        workers: int = 4,
        *,
        retry: RetryPolicy | Backoff | type[NoRetry] = NoRetry,
        max_pending: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers={workers}: a memory queue needs at least one")
        if max_pending is not None and max_pending < 1:
            raise ValueError(f"max_pending={max_pending}: at least one job must have a place")
        self._workers = workers
        self._policy = _policy_of(retry)
        self._clock = clock or SystemClock()
        self._ledger = Ledger(clock=self._clock, max_pending=max_pending)
        self._handlers: dict[str, MemoryHandler] = {}
        self._operations = OperationQueue()
        self._timer = Timer()
        self._lock = Lock()
        self._is_started = False

    def register(self, name: str, handler: MemoryHandler) -> None:
        """Let `handler(job)` run the jobs of that name; HandlerAlreadyRegistered the second time.

        Jobs of that name may have been pushed before, as long as none has had its turn.
        """
        if not callable(handler):
            raise TypeError(f"the handler of {name!r} cannot be called: {handler!r}")
        with self._lock:
            if name in self._handlers:
                raise HandlerAlreadyRegistered(name, advice="Give this one a name of its own.")
            self._handlers[name] = handler

    def push(self, name: str, payload: object = None) -> int:
        """Put a job at the end of the queue; return its id, from 1.

        QueueShutDown after a shutdown, QueueFull where `max_pending` jobs wait already,
        PayloadNotSerialised for what has no JSON form.
        """
        return self._push(name, payload)

    def push_delayed(self, name: str, payload: object = None, *, delay: Seconds) -> int:
        """As `push`; the job joins the queue when `delay` is over."""
        seconds = seconds_of(delay)
        if not math.isfinite(seconds):
            raise ValueError(f"delay={delay!r}: must be a finite number of seconds or a timedelta")
        return self._push(name, payload, seconds=seconds)

    def push_dedup(self, name: str, payload: object = None, *, key: str) -> int:
        """As `push`, unless a job with this key is not over yet: then return that one's id.

        A key is free once its job has succeeded or is dead; a retry keeps it.
        """
        return self._push(name, payload, key=key)

    def start(self) -> None:
        """Start the workers; a second start only warns. QueueShutDown after a shutdown."""
        with self._lock:
            if self._ledger.is_closed:
                raise QueueShutDown
            if self._is_started:
                logger.warning("the memory queue was started before; it has its workers")
                return
            self._is_started = True
            self._operations.start(self._workers)
            self._timer.start()

    def shutdown(
        self, timeout: Seconds | None = SHUTDOWN_SECONDS, *, pending: Pending = "run"
    ) -> bool:
        """Take no more jobs, and end; False if `timeout` was over first.

        Jobs that wait, for their time or their retry too, are still run, or buried with
        `pending="bury"`. What is left after `timeout` is buried; a handler that is running then
        goes on, and is not waited for. Without a start there is nobody to run them, and all are
        buried. In an event loop await `ashutdown`.
        """
        is_first = self._close(pending)
        in_time = self._ledger.settled.wait(timeout)
        self._end(is_first=is_first)
        if in_time:
            self._operations.join()
            self._timer.join()
        return in_time

    async def ashutdown(
        self, timeout: Seconds | None = SHUTDOWN_SECONDS, *, pending: Pending = "run"
    ) -> bool:
        """As `shutdown`, without blocking the event loop."""
        is_first = self._close(pending)
        in_time = await self._ledger.settled.wait_async(timeout)
        self._end(is_first=is_first)
        if in_time:
            await self._operations.ajoin()
            self._timer.join()
        return in_time

    def dead_letters(self) -> Sequence[MemoryDeadLetter]:
        """Return the jobs that will not run again, the first to die first."""
        return self._ledger.dead_letters

    def clear_dead_letters(self) -> int:
        """Forget the dead letters, which nothing else does; return how many there were."""
        return self._ledger.clear_dead_letters()

    def pending_count(self) -> int:
        """Return how many jobs wait: for a worker, for their time, or for their retry."""
        return self._ledger.pending_count

    def inflight_count(self) -> int:
        """Return how many handlers are running."""
        return self._ledger.inflight_count

    def _push(
        self, name: str, payload: object, *, seconds: float = 0.0, key: str | None = None
    ) -> int:
        try:
            text = dump_payload(payload)
        except PayloadError as error:
            raise PayloadNotSerialised(str(error)) from error
        entry, is_new = self._ledger.admit(name, text, key=key)
        if is_new:
            self._send(entry, seconds)
        return entry.id

    def _send(self, entry: Entry, seconds: float) -> None:
        if seconds > 0:
            self._timer.call_after(seconds, partial(self._send, entry, 0.0))
            return
        with suppress(QueueClosed):  # a shutdown has buried it meanwhile
            self._operations.enqueue(_Turn(partial(self._run, entry)))

    def _run(self, entry: Entry) -> Awaitable[None] | None:
        handler = self._handlers.get(entry.name)
        if handler is None:
            self._bury(entry, NO_HANDLER)
            return None
        if not self._ledger.begin(entry):
            return None  # buried, in the meantime
        try:
            payload = msgspec.json.decode(entry.payload)
            job = MemoryJob(id=entry.id, name=entry.name, payload=payload, attempt=entry.attempt)
            answer = handler(job)
        except BaseException as error:
            self._judge(entry, None, error)
            return None
        if inspect.isawaitable(answer):
            return self._judge_later(entry, answer)
        self._judge(entry, answer, None)
        return None

    async def _judge_later(self, entry: Entry, awaited: Awaitable[object]) -> None:
        try:
            answer = await awaited
        except BaseException as error:
            self._judge(entry, None, error)
        else:
            self._judge(entry, answer, None)

    def _judge(self, entry: Entry, answer: object, error: BaseException | None) -> None:
        verdict = verdict_on(
            answer, error, attempt=entry.attempt, policy=self._policy, now=self._clock.now
        )
        match verdict:
            case Done():
                self._ledger.end(entry)
            case Dead(error=told):
                self._bury(entry, told, cause=error)
            case Again(seconds=seconds, attempt=attempt, error=told):
                if self._ledger.take_back(entry, attempt=attempt):
                    self._send(entry, seconds)
                else:
                    self._bury(entry, told or NOT_RUN, cause=error)
            case _:
                assert_never(verdict)

    def _bury(self, entry: Entry, error: str, *, cause: BaseException | None = None) -> None:
        if self._ledger.bury(entry, error):
            told = (entry.id, entry.name, error)
            logger.error("memory job %d (%r) is dead: %r", *told, exc_info=cause)

    def _close(self, pending: Pending) -> bool:
        if pending not in ("run", "bury"):
            raise ValueError(f"pending={pending!r}: must be 'run' or 'bury'")
        with self._lock:  # not between the two halves of a start
            is_first, is_started = self._ledger.close(), self._is_started
        if not is_first:
            logger.warning("the memory queue was shut down before")
        if pending == "bury" or not is_started:
            self._ledger.bury_pending()
        return is_first

    def _end(self, *, is_first: bool) -> None:
        self._ledger.bury_pending()
        self._timer.stop()
        if is_first:
            self._operations.stop()


def _policy_of(retry: RetryPolicy | Backoff | type[NoRetry]) -> RetryPolicy:
    if isinstance(retry, RetryPolicy):
        return retry
    return RetryPolicy(backoff=retry() if isinstance(retry, type) else retry)
