"""Handlers in the transaction of a test, and in tests that commit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connections, transaction
from django.test import TestCase, TransactionTestCase

from django_jobqueue.core.errors import LeakedTransaction
from django_jobqueue.models import Job
from django_jobqueue.testing import run_jobs

from .jobs import Broken, act, act_async, act_in_transaction, acts, break_down, told


class Handlers:
    """The same in a TestCase as where statements commit by themselves."""

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        told.clear()
        acts.clear()

    def test_a_handler_sees_what_the_test_has_written(self) -> None:
        Group.objects.create(name="readers")
        acts["counts"] = Group.objects.count
        handle = act.enqueue("counts")
        awaited = act_async.enqueue("counts")

        run_jobs()

        assert (handle.refresh().result, awaited.refresh().result) == (1, 1)
        assert awaited.snapshot.progress == {"done": 2, "total": 2, "message": ""}

    def test_what_a_handler_wrote_before_it_failed_stays(self) -> None:
        def write_twice() -> None:
            Group.objects.create(name="readers")
            Group.objects.create(name="readers")

        acts["writes"] = write_twice
        act.enqueue("writes")

        [run] = run_jobs()

        assert type(run.error) is IntegrityError
        assert Group.objects.count() == 1

    def test_a_failed_statement_that_the_handler_expects_hurts_nothing(self) -> None:
        def write_twice() -> str:
            Group.objects.create(name="readers")
            try:
                Group.objects.create(name="readers")
            except IntegrityError:
                return Group.objects.get().name
            raise AssertionError("a name was used twice")

        acts["writes"] = write_twice
        handle = act.enqueue("writes")

        run_jobs()

        assert handle.refresh().result == "readers"

    def test_a_block_of_the_handler_is_rolled_back_by_its_error(self) -> None:
        def write() -> None:
            Group.objects.create(name="before")
            with transaction.atomic():
                Group.objects.create(name="within")
                break_down()

        acts["writes"] = write
        act.enqueue("writes")

        run_jobs()

        assert [group.name for group in Group.objects.all()] == ["before"]

    def test_a_transactional_handler_keeps_all_or_nothing(self) -> None:
        def write_and(then: object) -> object:
            Group.objects.create(name=f"group {len(told)}")
            return then() if callable(then) else then

        acts["fails"] = lambda: write_and(break_down)
        acts["succeeds"] = lambda: write_and("done")
        act_in_transaction.using(max_attempts=1).enqueue("fails")
        act_in_transaction.enqueue("succeeds")

        runs = run_jobs()

        assert [run.outcome for run in runs] == ["dead", "succeeded"]
        assert [group.name for group in Group.objects.all()] == ["group 2"]

    def test_callbacks_run_once_the_block_of_the_handler_has_ended(self) -> None:
        def work() -> None:
            with transaction.atomic():
                transaction.on_commit(lambda: told.append("called back"))
                with transaction.atomic():
                    told.append("within")
            told.append("after")
            transaction.on_commit(lambda: told.append("at once"))
            told.append("at the end")

        acts["works"] = work
        act.enqueue("works")

        run_jobs()

        expected = ["works", "within", "called back", "after", "at once", "at the end"]
        assert told == expected

    def test_callbacks_of_a_block_that_was_rolled_back_never_run(self) -> None:
        def work() -> None:
            try:
                with transaction.atomic():
                    transaction.on_commit(lambda: told.append("called back"))
                    break_down()
            except Broken:
                Group.objects.create(name="after")

        acts["works"] = work
        act.enqueue("works")

        assert run_jobs().counts == {"succeeded": 1}
        assert told == ["works"]

    def test_a_callback_that_fails_fails_the_attempt(self) -> None:
        acts["works"] = lambda: transaction.on_commit(break_down)
        act.enqueue("works")

        [run] = run_jobs()

        assert type(run.error) is Broken

    def test_a_block_that_a_handler_leaves_open_is_rolled_back_and_no_success(self) -> None:
        def leave_open() -> None:
            transaction.atomic().__enter__()
            Group.objects.create(name="lost")

        acts["leaves"] = leave_open
        act.enqueue("leaves")
        act.using(priority=-1).enqueue("next")

        runs = run_jobs()

        assert runs.counts == {"failed": 1, "succeeded": 1}
        assert type(runs[0].error).__name__ == "LeakedTransaction"
        assert not Group.objects.exists()

    def test_a_durable_block_of_a_handler_is_an_outermost_one(self) -> None:
        def write() -> None:
            with transaction.atomic(durable=True):
                Group.objects.create(name="durable")

        acts["writes"] = write
        act.enqueue("writes")

        assert run_jobs().counts == {"succeeded": 1}


class TestInTheTransactionOfATest(Handlers, TestCase):
    def test_a_failed_save_leaves_the_test_usable(self) -> None:
        def write_twice() -> None:
            Group(name="readers").save()
            Group(name="readers").save()

        acts["writes"] = write_twice
        act.enqueue("writes")

        run_jobs()

        with transaction.atomic():
            Group.objects.create(name="writers")
        assert Group.objects.count() == 2

    def test_what_the_test_itself_registers_is_left_to_the_test(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks:
            transaction.on_commit(lambda: told.append("called back"))
            acts["works"] = lambda: transaction.on_commit(lambda: None)
            act.enqueue("works")
            run_jobs()

        assert told == ["works"]
        mine = [callback for callback in callbacks if "called back" in callback.__code__.co_consts]
        assert len(mine) == 1

    def test_what_is_enqueued_on_commit_runs_once_that_was_captured(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            transaction.on_commit(lambda: act.enqueue("committed"))

        run_jobs()

        assert told == ["committed"]

    def test_a_block_that_the_test_has_opened_is_no_block_of_the_handler(self) -> None:
        with transaction.atomic():
            acts["works"] = lambda: transaction.on_commit(lambda: told.append("called back"))
            act.enqueue("works")
            run_jobs()

        assert told == ["works", "called back"]

    def test_nothing_is_left_installed(self) -> None:
        connection = connections["default"]
        before = list(connection.execute_wrappers)
        act.enqueue("works")

        run_jobs()

        assert connection.execute_wrappers == before
        assert "on_commit" not in vars(connection)


class TestWhereStatementsCommit(Handlers, TransactionTestCase):
    def test_nothing_runs_that_was_rolled_back(self) -> None:
        with transaction.atomic():
            act.enqueue("never")
            transaction.set_rollback(True)

        assert len(run_jobs()) == 0
        assert not Job.objects.exists()


@pytest.fixture
def another_database(db: None, tmp_path: Path) -> Iterator[str]:
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "another.sqlite3"}
    configured = connections.configure_settings({"default": {}, "another": file})
    connections.settings["another"] = configured["another"]
    wrapper = connections["another"]
    # Opened by hand: Django's tests open none that they have not been told of.
    wrapper.connection = wrapper.get_new_connection(wrapper.get_connection_params())
    wrapper.autocommit = True
    yield "another"
    connections["another"].close()
    del connections["another"], connections.settings["another"]


class TestAnotherDatabase:
    def test_a_block_of_the_test_is_no_block_of_the_handler(self, another_database: str) -> None:
        acts.clear()
        with transaction.atomic(using=another_database):
            act_in_transaction.enqueue("works")

            assert run_jobs().counts == {"succeeded": 1}

    def test_a_block_that_the_handler_leaves_open_is_no_success(
        self, another_database: str
    ) -> None:
        acts["works"] = lambda: transaction.atomic(using=another_database).__enter__()
        with transaction.atomic(using=another_database):
            act_in_transaction.enqueue("works")

            [run] = run_jobs()

        assert type(run.error) is LeakedTransaction
