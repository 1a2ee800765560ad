"""Running a handler in a transaction of the queue's database whose last statement is the finish of
its job: what it did there is visible if and only if the job has succeeded.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from django.db import transaction

from django_jobqueue.core.errors import LeakedTransaction, LeaseLost
from django_jobqueue.core.outcomes import Answer, Outcome, Release, Succeed, Unprocessable
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.one_writer import why_it_holds_too_long
from django_jobqueue.store import JobStore
from django_jobqueue.store.transient import is_connection_lost, is_transient

from .answers import Answers
from .connections import connections_of_thread, is_in_transaction
from .hands import HeldJob

#: How long a job waits whose transaction could not begin.
BEGIN_AGAIN_SECONDS = 1.0


class InTransaction:
    """Runs handlers so; `store` works on Django's connection, as the handler does."""

    def __init__(
        self, store: JobStore, *, answers: Answers, lease: timedelta, events: EventBus
    ) -> None:
        self._store, self._answers = store, answers
        self._lease, self._events = lease, events

    def run(self, held: HeldJob, call: Callable[[], Outcome]) -> Outcome:
        """Return what `call` answers, or raise what it raises; `held.is_written` says whether its
        success is in the database. Of any other answer, nothing is written, and its effects are
        rolled back.
        """
        seconds = held.job.timeout_seconds
        if why := why_it_holds_too_long(seconds, store=self._store, lease=self._lease):
            raise Unprocessable(f"its timeout {why}")
        try:
            return self._run(held, call)
        except BaseException as error:
            if held.is_written:
                # Work that is done is not repeated because a callback after its commit failed.
                self._events.emit("job.callback_failed", job=held.job, error=error)
            elif not self._was_committed(held, error):
                raise
            return Succeed()

    def _run(self, held: HeldJob, call: Callable[[], Outcome]) -> Outcome:
        with ExitStack() as open_transaction:
            try:
                open_transaction.enter_context(self._store.writing())
            except Exception as error:
                if is_transient(error):
                    told = f"its transaction could not begin: {error}"
                    return Release(told, BEGIN_AGAIN_SECONDS)
                raise
            # The first of the callbacks: any that fails comes after it.
            transaction.on_commit(held.was_written, using=self._store.using)
            outcome = call()
            if isinstance(outcome, Answer) and not isinstance(outcome, Succeed):
                raise outcome
            self._finish(held, outcome)
        if not held.is_written:
            # The handler left an atomic() open, and what was ended here was that one.
            raise LeakedTransaction([self._store.using])
        return outcome

    def _finish(self, held: HeldJob, outcome: Outcome) -> None:
        if held.was_given_up:
            raise LeaseLost(held.job.id)
        if left_open := self._left_open_elsewhere():
            raise LeakedTransaction(left_open)
        held.finishing = self._answers.finished(held, outcome)
        if not self._store.finish_many([held.finishing]):
            raise LeaseLost(held.job.id)

    def _left_open_elsewhere(self) -> list[str]:
        using = self._store.using
        wrappers = connections_of_thread()
        return [one.alias for one in wrappers if one.alias != using and is_in_transaction(one)]

    def _was_committed(self, held: HeldJob, error: BaseException) -> bool:
        """Ask, where the connection was lost on the way to the commit or back."""
        if held.finishing is None or not is_connection_lost(error):
            return False
        try:
            if held.finishing.transition.keep:
                found = bool(self._store.written_under([held.claim]))
            else:
                found = self._store.find(held.job.id) is None
        except Exception:
            # Nobody can say now. The failure that is written instead is fenced: where the commit
            # was made after all, it changes nothing.
            return False
        if found:
            held.was_written()
        return found
