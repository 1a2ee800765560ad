import asyncio
import threading
from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.db.models.functions import Now

from django_jobqueue import Queue
from django_jobqueue.models import Job
from django_jobqueue.store import store_for
from tests.handlers import add, greet

from .finishing import RETRIED, SUCCEEDED, claim_next, finish_next

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = Queue("default")
LATER = datetime(2040, 1, 1, tzinfo=UTC)


def has_due_work() -> bool:
    return store_for("default").has_due_work(QUEUE.name)


class TestDueWork:
    def test_a_ready_job_is_due(self):
        add.enqueue(1)

        assert has_due_work()

    def test_a_running_job_is_not_done(self):
        add.enqueue(1)
        claim_next()

        assert has_due_work()

    def test_a_job_that_is_held_up_is_due(self):
        add.enqueue(1)
        Job.objects.update(state="blocked")

        assert has_due_work()

    def test_a_scheduled_job_is_due_once_its_time_has_come(self):
        add.using(delay=3_600).enqueue(1)
        assert not has_due_work()

        Job.objects.update(run_at=Now())
        assert has_due_work()

    def test_what_is_finished_or_waits_for_its_retry_is_not_due(self):
        add.enqueue(1)
        add.enqueue(2)
        finish_next(SUCCEEDED)
        finish_next(RETRIED)

        assert not has_due_work()

    @pytest.mark.parametrize("state", ["ready", "running", "blocked", "scheduled"])
    def test_jobs_of_other_queues_are_not_its_work(self, state: str):
        greet.enqueue("Ada")
        Job.objects.update(state=state, run_at=Now())

        assert not has_due_work()

    def test_another_queue_that_is_paused_holds_nothing_up(self):
        Queue("other").pause()
        add.enqueue(1)

        assert has_due_work()

    def test_of_a_paused_queue_only_what_runs_counts(self):
        add.enqueue(1)
        add.enqueue(2)
        claim_next()
        QUEUE.pause()
        assert has_due_work()

        Job.objects.filter(state="running").delete()
        assert not has_due_work()

    def test_a_queue_with_settings_is_not_paused_for_that(self):
        QUEUE.configure(max_running=1)
        add.enqueue(1)

        assert has_due_work()

    def test_a_pause_that_is_over_is_none(self):
        add.enqueue(1)
        QUEUE.pause(until=datetime(2020, 1, 1, tzinfo=UTC))
        assert has_due_work()

        QUEUE.pause(until=LATER)
        assert not has_due_work()


class TestWaiting:
    def test_a_queue_without_due_work_is_drained_at_once(self):
        QUEUE.drain(timeout=0)
        with transaction.atomic():
            QUEUE.drain()

    def test_it_returns_when_the_last_job_has_finished(self, finishing_soon: threading.Event):
        job = add.enqueue(1)
        finishing_soon.set()

        QUEUE.drain(timeout=10)

        assert job.is_finished

    @pytest.mark.parametrize("timeout", [0, 0.02])
    def test_after_the_timeout_the_error_names_the_queue(self, timeout: float):
        add.enqueue(1)

        with pytest.raises(TimeoutError, match="queue 'default' still has due work"):
            QUEUE.drain(timeout=timeout)

    def test_inside_a_transaction_it_does_not_wait(self):
        with transaction.atomic():
            add.enqueue(1)
            with pytest.raises(transaction.TransactionManagementError, match="'default'"):
                QUEUE.drain()
            assert not connection.needs_rollback

    def test_the_awaited_twin_leaves_the_loop_free(self, finishing_soon: threading.Event):
        job = add.enqueue(1)

        async def waiting() -> None:
            waiter = asyncio.ensure_future(QUEUE.adrain(timeout=10))
            await asyncio.sleep(0)
            finishing_soon.set()  # reached, although somebody waits
            await waiter

        async_to_sync(waiting)()
        assert job.is_finished

    def test_the_awaited_twin_times_out_too(self):
        add.enqueue(1)

        with pytest.raises(TimeoutError, match="'default'"):
            async_to_sync(QUEUE.adrain)(timeout=0.02)
