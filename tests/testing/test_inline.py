from unittest import mock

import pytest
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from django_jobqueue import JobState
from django_jobqueue.testing import JobsMixin, inline_jobs, run_jobs, running

from .jobs import Broken, act, act_async, acts, break_down, told


class Inline:
    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        told.clear()
        acts.clear()

    def test_a_job_has_run_when_its_enqueue_returns(self) -> None:
        acts["one"] = lambda: "done"
        with inline_jobs() as runs:
            handle = act.enqueue("one")
            assert handle.result == "done"
            act.enqueue_many([["two"], ["three"]])

        assert told == ["one", "two", "three"]
        assert runs.counts == {"succeeded": 3}

    def test_a_job_that_is_enqueued_in_a_block_runs_after_it(self) -> None:
        with inline_jobs():
            with transaction.atomic():
                with transaction.atomic():
                    act.enqueue("one")
                assert told == []
            assert told == ["one"]

    def test_a_job_of_a_block_that_is_rolled_back_never_runs(self) -> None:
        with inline_jobs():
            with transaction.atomic():
                act.enqueue("one")
                transaction.set_rollback(True)
            act.enqueue("two")

        assert told == ["two"]

    def test_callbacks_of_the_code_under_test_run_as_on_the_site(self) -> None:
        with inline_jobs(), transaction.atomic():
            transaction.on_commit(lambda: act.enqueue("committed"))

        assert told == ["committed"]

    def test_what_jobs_enqueue_runs_after_them(self) -> None:
        def work() -> None:
            act.enqueue("inner")
            told.append("after")

        acts["outer"] = work
        with inline_jobs():
            act.enqueue("outer")

        assert told == ["outer", "after", "inner"]

    def test_what_is_not_due_waits(self) -> None:
        with inline_jobs() as runs:
            handle = act.using(delay=60).enqueue("later")

        assert len(runs) == 0
        assert handle.state == JobState.SCHEDULED

    def test_a_failure_concerns_nobody_but_the_job(self) -> None:
        acts["fails"] = break_down
        with inline_jobs() as runs:
            handle = act.enqueue("fails")

        assert runs.counts == {"failed": 1}
        assert handle.state == JobState.SCHEDULED

    def test_a_failure_is_raised_at_the_end_on_request(self) -> None:
        @inline_jobs(raise_errors=True)
        def enqueue() -> None:
            act.enqueue("fails")
            told.append("goes on")

        acts["fails"] = break_down
        with pytest.raises(Broken):
            enqueue()

        assert told == ["fails", "goes on"]

    def test_nothing_runs_any_more_behind_the_block(self) -> None:
        with inline_jobs():
            pass
        act.enqueue("one")

        assert told == []
        assert len(run_jobs()) == 1

    @inline_jobs()
    def test_it_is_a_decorator(self) -> None:
        act_async.enqueue("one")

        assert told == ["one"]


class TestInTheTransactionOfATest(Inline, TestCase):
    def test_what_run_jobs_itself_has_to_say_is_no_secret(self) -> None:
        acts["again"] = lambda: act.enqueue("again") and None

        @inline_jobs()
        def enqueue() -> None:
            act.enqueue("again")

        with mock.patch.object(running, "MOST_RUNS", 20), pytest.raises(RuntimeError, match="20"):
            enqueue()


class TestWhereStatementsCommit(Inline, TransactionTestCase): ...


class TestMixinInline(JobsMixin, TestCase):
    jobs_mode = "inline"

    def setUp(self) -> None:
        super().setUp()
        told.clear()
        acts.clear()

    def test_each_test_has_its_own_runs(self) -> None:
        act.enqueue("one")

        assert self.job_runs.counts == {"succeeded": 1}

    async def test_an_async_test_enqueues_as_well(self) -> None:
        await act_async.aenqueue("one")

        assert told == ["one"]


class TestMixinManual(JobsMixin, TestCase):
    def test_jobs_wait_until_they_are_run(self) -> None:
        act.enqueue("one")

        [job] = self.assert_enqueued(act, args=("one",))
        self.refute_enqueued(act, args=("two",))
        assert self.enqueued_jobs() == [job]
        assert self.run_jobs().counts == {"succeeded": 1}

    async def test_an_async_test_runs_them_as_well(self) -> None:
        await act.aenqueue("one")

        assert len(await self.arun_jobs()) == 1
