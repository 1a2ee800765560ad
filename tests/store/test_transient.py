import random
import sqlite3
from collections.abc import Callable

import psycopg
import pytest
from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError

from django_jobqueue.store.transient import (
    LONGEST_WAIT,
    is_cancelled_statement,
    is_connection_lost,
    is_data_error,
    is_database_away,
    is_transient,
    retrying,
)


def sqlite_error(code: int) -> Error:
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode = code
    return django_error(OperationalError, cause)


def postgresql_error(state: str) -> Error:
    return django_error(OperationalError, psycopg.errors.lookup(state)("told by the server"))


def django_error(kind: type[Error], cause: Exception) -> Error:
    error = kind(*cause.args)
    error.__cause__ = cause
    return error


BUSY = sqlite_error(sqlite3.SQLITE_BUSY)
LOST = django_error(OperationalError, psycopg.OperationalError("the connection is closed"))
FULL = sqlite_error(sqlite3.SQLITE_FULL)
SYNTAX = django_error(OperationalError, sqlite3.OperationalError("no such table: jobqueue_job"))


class TestIsDatabaseAway:
    @pytest.mark.parametrize(
        "error",
        [LOST, sqlite_error(sqlite3.SQLITE_CANTOPEN), postgresql_error("57P01"), InterfaceError()],
        ids=repr,
    )
    def test_one_that_nobody_reaches_is(self, error: Error) -> None:
        assert is_database_away(error)

    @pytest.mark.parametrize(
        "error",
        [BUSY, SYNTAX, postgresql_error("40001"), postgresql_error("53300"), DataError("x")],
        ids=repr,
    )
    def test_one_that_answers_is_not_whatever_it_says(self, error: Error) -> None:
        assert not is_database_away(error)


class TestIsTransient:
    @pytest.mark.parametrize(
        "code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_BUSY_SNAPSHOT]
    )
    def test_a_busy_sqlite_is(self, code: int) -> None:
        assert is_transient(sqlite_error(code))

    @pytest.mark.parametrize(
        "state", ["40001", "40P01", "55P03", "57P01", "25006", "57014", "53100", "53300", "08006"]
    )
    def test_a_server_that_may_be_better_later_is(self, state: str) -> None:
        assert is_transient(postgresql_error(state))
        assert is_transient(psycopg.errors.lookup(state)("told without Django"))

    @pytest.mark.parametrize("state", ["22P02", "23505", "42P01", "42601"])
    def test_a_statement_that_is_wrong_is_not(self, state: str) -> None:
        assert not is_transient(postgresql_error(state))

    @pytest.mark.parametrize(
        "error",
        [DataError("x"), IntegrityError("x"), SYNTAX, FULL, ValueError("x"), KeyError("x")],
        ids=repr,
    )
    def test_nothing_else_is(self, error: Exception) -> None:
        assert not is_transient(error)

    @pytest.mark.parametrize("error", [LOST, InterfaceError("connection already closed")], ids=repr)
    def test_a_lost_connection_is(self, error: Exception) -> None:
        assert is_transient(error)


class TestIsConnectionLost:
    @pytest.mark.parametrize(
        "error",
        [
            LOST,
            InterfaceError("connection already closed"),
            psycopg.OperationalError("server closed the connection unexpectedly"),
            psycopg.InterfaceError("the connection is closed"),
            *map(postgresql_error, ["57P01", "57P02", "57P03", "08003"]),
        ],
        ids=repr,
    )
    def test_it_is_when_the_driver_or_the_server_ended_it(self, error: Exception) -> None:
        assert is_connection_lost(error)

    @pytest.mark.parametrize(
        "error", [BUSY, SYNTAX, postgresql_error("40001"), ValueError("x")], ids=repr
    )
    def test_it_is_not_while_the_database_answers(self, error: Exception) -> None:
        assert not is_connection_lost(error)


class TestIsDataError:
    @pytest.mark.parametrize(
        "error",
        [
            DataError("value too long"),
            IntegrityError("JSON_VALID"),
            psycopg.errors.NumericValueOutOfRange("x"),
            psycopg.errors.CheckViolation("x"),
            UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
            OverflowError("Python int too large to convert to SQLite INTEGER"),
        ],
        ids=repr,
    )
    def test_what_was_to_be_written_is_at_fault(self, error: Exception) -> None:
        assert is_data_error(error)

    @pytest.mark.parametrize("error", [BUSY, LOST, SYNTAX, postgresql_error("40P01")], ids=repr)
    def test_the_database_is_at_fault(self, error: Exception) -> None:
        assert not is_data_error(error)


class TestIsCancelledStatement:
    @pytest.mark.parametrize(
        "error", [sqlite_error(sqlite3.SQLITE_INTERRUPT), postgresql_error("57014")], ids=repr
    )
    def test_one_that_somebody_ended_is(self, error: Error) -> None:
        assert is_cancelled_statement(error)

    @pytest.mark.parametrize(
        "error", [BUSY, LOST, SYNTAX, postgresql_error("40001"), ValueError("x")], ids=repr
    )
    def test_one_that_failed_by_itself_is_not(self, error: Exception) -> None:
        assert not is_cancelled_statement(error)


class Work:
    """Fails with each error in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.waits: list[float] = []

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False


class TestRetrying:
    def test_work_that_succeeds_is_done_once_without_a_wait(self) -> None:
        work = Work()

        assert retrying(work, wait=work.wait, seconds=0) == "done"
        assert work.waits == []

    def test_work_is_done_again_after_errors_that_may_pass(self) -> None:
        work = Work(*[BUSY] * 12)

        assert retrying(work, wait=work.wait, seconds=60) == "done"
        assert len(work.waits) == 12
        assert all(0 < waited <= 1.5 * LONGEST_WAIT for waited in work.waits)
        assert work.waits[0] < 0.05  # what holds a lock is mostly gone by then
        assert work.waits[-1] > work.waits[0]

    @pytest.mark.parametrize(("end", "share"), [(min, 0.5), (max, 1.5)])
    def test_waits_are_spread_by_half(
        self, monkeypatch: pytest.MonkeyPatch, end: Callable[..., float], share: float
    ) -> None:
        monkeypatch.setattr(random, "uniform", end)
        work = Work(*[BUSY] * 12)
        retrying(work, wait=work.wait, seconds=60)

        assert work.waits[-1] == pytest.approx(share * LONGEST_WAIT)

    def test_other_errors_are_raised_at_once(self) -> None:
        work = Work(DataError("x"))

        with pytest.raises(DataError):
            retrying(work, wait=work.wait, seconds=60)
        assert work.waits == []

    def test_the_last_error_is_raised_when_the_time_is_over(self) -> None:
        work = Work(BUSY, BUSY)

        with pytest.raises(OperationalError):
            retrying(work, wait=work.wait, seconds=0)
        assert len(work.errors) == 1

    def test_a_wait_that_is_interrupted_ends_the_tries(self) -> None:
        work = Work(BUSY, BUSY)

        with pytest.raises(OperationalError):
            retrying(work, wait=lambda seconds: True, seconds=60)
        assert len(work.errors) == 1

    def test_the_caller_may_say_which_errors_are_worth_it(self) -> None:
        work = Work(ValueError("x"))
        worth_it: Callable[[BaseException], bool] = lambda error: isinstance(error, ValueError)  # noqa: E731

        assert retrying(work, wait=work.wait, seconds=60, worth_it=worth_it) == "done"
