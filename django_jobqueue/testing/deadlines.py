"""Timeouts by the test's clock: what a handler does after it has moved the clock past its timeout
comes too late, as it would in a worker. Real time is watched by the worker's own watch.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections

from django_jobqueue.core.errors import JobInterrupt, JobTimedOut
from django_jobqueue.worker.hands import HeldJob

from .clock import Execute, elapsed, moved_now


class Deadline:
    """That of one run, which begins when this is made."""

    def __init__(self, held: HeldJob) -> None:
        self._seconds = None if moved_now() is None else held.job.timeout_seconds
        self._began = elapsed()
        self._is_told = False

    @contextmanager
    def before_statements(self) -> Iterator[None]:
        """Within the block, a statement of this thread that comes too late raises JobTimedOut."""
        with ExitStack() as stack:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(self._execute))
            yield

    @contextmanager
    def at_end(self) -> Iterator[None]:
        """JobTimedOut ends a block that ends too late, whatever else was raised in it."""
        try:
            yield
        except JobInterrupt:
            raise
        except BaseException as error:
            if self._is_over:
                raise JobTimedOut from error
            raise
        if self._is_over:
            raise JobTimedOut

    @property
    def _is_over(self) -> bool:
        return self._seconds is not None and elapsed() - self._began > self._seconds

    def _execute(
        self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        # Once, as a worker interrupts a handler once: what it does to clean up must succeed.
        if self._is_over and not self._is_told:
            self._is_told = True
            raise JobTimedOut
        return execute(sql, params, many, context)
