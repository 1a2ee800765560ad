"""One strategy and one job: asked, entered, held and left, all in one thread, or all in one task of
the event loop, because locks and limiters remember who has entered them.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from inspect import isawaitable

from django_jobqueue.core.specs import ClaimedJob

from .base import PermitStrategy, Refusal

#: Of a task, and of who waits for it in a thread.
_CANCELLATIONS = (asyncio.CancelledError, CancelledError)


class Hold:
    """What a strategy answers, and the permit that it grants, until `let_go`.

    `answered` is done once it has granted, refused or failed, `left` once nothing is held any more.
    `loop` is where async code runs, and `at_end` is called in the thread when it ends. `failed` is
    told of an error that comes too late to be the answer.
    """

    def __init__(
        self,
        strategy: PermitStrategy,
        job: ClaimedJob,
        *,
        loop: Callable[[], asyncio.AbstractEventLoop],
        at_end: Callable[[], None],
        failed: Callable[[PermitStrategy, BaseException], object],
    ) -> None:
        self.strategy, self._job = strategy, job
        self._loop, self._at_end, self._failed = loop, at_end, failed
        self.answered: Future[None] = Future()
        self.left: Future[None] = Future()
        self.is_granted = False
        self.refusal: Refusal | None = None
        self.error: BaseException | None = None
        self._over = threading.Event()
        self._leave = asyncio.Event()
        self._task: asyncio.Task[object] | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether nobody waits for its answer any more."""
        return self._over.is_set() and not self.answered.done()

    def start(self) -> None:
        threading.Thread(target=self._run, name="jobqueue-permit", daemon=True).start()

    def let_go(self) -> None:
        """Leave the permit, as soon as it is there; what is awaited for it is cancelled."""
        self._over.set()
        if self._task is not None:
            with suppress(RuntimeError):  # a loop that was closed has cancelled the task
                self._loop().call_soon_threadsafe(self._let_go_in_loop)

    def _run(self) -> None:
        try:
            self._ask()
        except BaseException as error:
            self.error = error
            if self._over.is_set() and not isinstance(error, _CANCELLATIONS):
                self._failed(self.strategy, error)
        finally:
            self._at_end()
            if not self.answered.done():
                self.answered.set_result(None)
            self.left.set_result(None)

    def _ask(self) -> None:
        answer: object = self.strategy.acquire(self._job)
        if isawaitable(answer) or _is_async_only(answer):
            answered = self._ask_in_loop(answer)
            answer = asyncio.run_coroutine_threadsafe(answered, self._loop()).result()
            if self.is_granted:
                return
        if isinstance(answer, AbstractContextManager):
            with answer:
                self._grant()
                self._over.wait()
        elif isinstance(answer, Refusal):
            self.refusal = answer
        else:
            raise TypeError(
                f"{type(self.strategy).__qualname__}.acquire() has answered {answer!r}: grant with "
                "a context manager, such as contextlib.nullcontext(), or refuse with CancelJob, "
                "TryAfter, Retry or MarkSucceeded"
            )

    async def _ask_in_loop(self, answer: object) -> object:
        """Return the answer; an async permit is held here, to its end."""
        self._task = asyncio.current_task()
        if self._over.is_set():
            self._let_go_in_loop()
        if isawaitable(answer):
            answer = await answer
        if isinstance(answer, AbstractAsyncContextManager) and _is_async_only(answer):
            async with answer:
                self._grant()
                await self._leave.wait()
        return answer

    def _let_go_in_loop(self) -> None:
        if self.is_granted:
            self._leave.set()
        elif self._task is not None:
            self._task.cancel()

    def _grant(self) -> None:
        self.is_granted = True
        self.answered.set_result(None)


def _is_async_only(answer: object) -> bool:
    is_sync = isinstance(answer, AbstractContextManager)
    return isinstance(answer, AbstractAsyncContextManager) and not is_sync
