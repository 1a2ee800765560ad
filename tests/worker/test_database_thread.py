"""The thread of async handlers' database calls, and ending one that nobody awaits any more."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection

from django_jobqueue.events import EventBus
from django_jobqueue.worker.database_thread import DatabaseThread
from django_jobqueue.worker.watching import Watching

from .site import COMMITTED, PATIENCE, Told, within
from .statements import HeldStatement, ask, wait_in_sql

GRACE = 10.0


class ByHand(Watching):
    """With a database thread; what that wants to be done later is done when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.later: list[tuple[float, Callable[[], object]]] = []
        self.told, bus = Told(), EventBus()
        bus.subscribe(self.told)
        self.thread = DatabaseThread(self, grace=GRACE, events=bus)

    def after(self, seconds: float, action: Callable[[], object], **_: Any) -> None:
        self.later.append((seconds, action))

    def look(self) -> None:
        """Do what is due before the grace is over."""
        self._do(lambda seconds: seconds < GRACE)

    def end_of_grace(self) -> None:
        self._do(lambda seconds: seconds == GRACE)

    def _do(self, is_due: Callable[[float], bool]) -> None:
        due = [entry for entry in self.later if is_due(entry[0])]
        self.later = [entry for entry in self.later if entry not in due]
        for _, action in due:
            action()

    def begin(self, function: Callable[[], Any]) -> "Future[Any]":
        """Return its call once it runs."""
        call = self.thread.submit(function)
        assert within(PATIENCE, call.running)
        return call

    def end_of(self, call: "Future[Any]") -> BaseException | None:
        """Look again and again, as a worker does, until the call has ended; return its error."""

        def has_ended() -> bool:
            self.look()
            return call.done()

        assert within(PATIENCE, has_ended)
        return call.exception()


@pytest.fixture
def by_hand() -> Iterator[ByHand]:
    made = ByHand()
    yield made
    made.thread.shutdown()


class Gate:
    """Python code that a test lets go on."""

    def __init__(self) -> None:
        self._opened = threading.Event()

    def wait(self) -> None:
        assert self._opened.wait(PATIENCE)

    def open(self) -> None:
        self._opened.set()


def wrappers() -> list[object]:
    return list(connection.execute_wrappers)


class TestWhatNobodyAwaits:
    pytestmark = COMMITTED

    def test_its_statement_is_cancelled(self, by_hand: ByHand) -> None:
        statement = HeldStatement()
        with statement.held():
            call = by_hand.begin(statement.run)
            assert statement.has_begun()
            assert not call.cancel()
            by_hand.look()

        assert isinstance(call.exception(PATIENCE), DatabaseError)
        assert by_hand.thread.submit(ask).result(PATIENCE) == 1

    def test_a_statement_that_begins_after_the_first_look_is_cancelled_too(
        self, by_hand: ByHand
    ) -> None:
        past_the_refusal, gate = threading.Event(), Gate()

        def be_late(execute: Callable[..., Any], *arguments: Any) -> Any:
            past_the_refusal.set()
            gate.wait()
            return execute(*arguments)

        def wait() -> None:
            with connection.execute_wrapper(be_late):
                wait_in_sql()

        call = by_hand.begin(wait)
        assert past_the_refusal.wait(PATIENCE)
        call.cancel()
        by_hand.look()
        gate.open()

        assert isinstance(by_hand.end_of(call), DatabaseError)

    def test_it_starts_no_other_statement_whatever_it_catches(self, by_hand: ByHand) -> None:
        def go_on() -> None:
            while True:
                with suppress(Exception):
                    ask()

        call = by_hand.begin(go_on)
        call.cancel()

        assert isinstance(by_hand.end_of(call), asyncio.CancelledError)

    def test_the_next_call_may_ask_what_it_wants(self, by_hand: ByHand) -> None:
        gate = Gate()

        def wait_with_a_wrapper_of_its_own() -> None:
            with connection.execute_wrapper(lambda execute, *arguments: execute(*arguments)):
                gate.wait()

        by_hand.begin(wait_with_a_wrapper_of_its_own).cancel()
        gate.open()

        assert by_hand.thread.submit(wrappers).result(PATIENCE) == []

    def test_the_statement_of_the_next_call_is_not_cancelled_in_its_place(
        self, by_hand: ByHand
    ) -> None:
        gate, next_statement = Gate(), HeldStatement()
        first = by_hand.begin(gate.wait)
        first.cancel()
        by_hand.look()
        with next_statement.held():
            second = by_hand.thread.submit(next_statement.run)
            gate.open()
            assert next_statement.has_begun()
            assert by_hand.later, "it would have looked again for a statement of the first"

            by_hand.look()
            by_hand.end_of_grace()

        assert second.result(PATIENCE) == 1
        assert by_hand.thread.given_up == 0


class TestWhatDoesNotEnd:
    def test_another_thread_does_the_other_calls(self, by_hand: ByHand) -> None:
        gate = Gate()
        stuck = by_hand.begin(gate.wait)
        other = by_hand.thread.submit(threading.get_ident)
        stuck.cancel()
        by_hand.look()
        assert not other.done()

        by_hand.end_of_grace()

        assert other.result(PATIENCE) == by_hand.thread.submit(threading.get_ident).result(PATIENCE)
        assert by_hand.thread.given_up == 1
        assert by_hand.told.of("database_thread.replaced") == [{"given_up": 1}]
        gate.open()
        assert stuck.result(PATIENCE) is None

    def test_its_thread_takes_no_other_call_once_it_has_ended_after_all(
        self, by_hand: ByHand
    ) -> None:
        gate, its_thread = Gate(), list[threading.Thread]()

        def wait() -> None:
            its_thread.append(threading.current_thread())
            gate.wait()

        stuck = by_hand.begin(wait)
        stuck.cancel()
        by_hand.end_of_grace()
        gate.open()

        its_thread[0].join(PATIENCE)
        assert not its_thread[0].is_alive()
        assert by_hand.thread.submit(int).result(PATIENCE) == 0


def test_what_was_cancelled_before_it_began_never_runs(by_hand: ByHand) -> None:
    gate, ran = Gate(), list[int]()
    by_hand.begin(gate.wait)
    waiting = by_hand.thread.submit(ran.append, 1)

    assert waiting.cancel()
    gate.open()

    by_hand.thread.submit(int).result(PATIENCE)
    assert ran == []
    assert by_hand.later == []


def test_what_is_awaited_keeps_its_answer_and_its_error(by_hand: ByHand) -> None:
    assert by_hand.thread.submit(divmod, 7, 2).result(PATIENCE) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        by_hand.thread.submit(divmod, 7, 0).result(PATIENCE)


def test_tasks_of_its_context_make_their_calls_in_it(by_hand: ByHand) -> None:
    async def thread_of_a_call() -> int:
        return await sync_to_async(threading.get_ident)()

    async def in_its_context() -> int:
        context = by_hand.thread.make_context()
        return await asyncio.get_running_loop().create_task(thread_of_a_call(), context=context)

    its_thread = by_hand.thread.submit(threading.get_ident).result(PATIENCE)
    assert asyncio.run(in_its_context()) == its_thread
    assert asyncio.run(thread_of_a_call()) != its_thread
