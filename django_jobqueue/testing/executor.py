"""The worker's executor, in the thread and the transaction of a test."""

from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync

from django_jobqueue.core.outcomes import Outcome
from django_jobqueue.worker.executor import Executor
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.transactional import InTransaction

from .deadlines import Deadline
from .transactions import TransactionsOfTest


class ExecutorInTest(Executor):
    """Runs one handler at a time in the calling thread; none has a process of its own."""

    def __init__(self, *, transactions: TransactionsOfTest, **parts: Any) -> None:
        super().__init__(**parts, clean_thread=self._clean_up_behind, isolation=None)
        self._transactions = transactions
        self._deadline: Deadline | None = None  #: of the async handler that runs

    def perform_async_here(self, held: HeldJob) -> None:
        """Run an async handler; its database calls come back to this thread."""
        self._deadline = Deadline(held)
        with self._deadline.before_statements():
            async_to_sync(self.perform_async)(held)
        self._transactions.clean()
        self._flush(held)

    def _call(self, held: HeldJob) -> Outcome:
        deadline = Deadline(held)
        with deadline.at_end(), deadline.before_statements():
            return super()._call(held)

    async def _await(self, held: HeldJob) -> Outcome:
        assert self._deadline is not None
        with self._deadline.at_end():
            return await super()._await(held)

    def _flush_apart(self, held: HeldJob) -> None:
        """Not in a thread that does not see the test's transaction, but behind the run."""

    def _clean_up_behind(self, *, discard: bool) -> Sequence[str]:
        return self._transactions.clean()


class InTransactionOfTest(InTransaction):
    """The blocks of the test count as no transaction."""

    def __init__(self, *parts: Any, transactions: TransactionsOfTest, **more: Any) -> None:
        super().__init__(*parts, **more)
        self._transactions = transactions

    def _left_open_elsewhere(self) -> list[str]:
        return self._transactions.left_open(but=self._store.using)
