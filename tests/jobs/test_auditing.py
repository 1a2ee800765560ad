import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection, transaction

from django_jobqueue import (
    JobHandle,
    Queue,
    acting_as,
    cancel,
    chain,
    clear_limit,
    discard,
    requeue,
    requeue_edited,
    retry,
    run_now,
)
from django_jobqueue.core.audit import JOBS_NAMED
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs import control
from django_jobqueue.jobs.auditing import actor
from django_jobqueue.models import AuditRecord, Job
from django_jobqueue.store import filters, store_for
from tests.handlers import add, greet

from .finishing import DEAD, SUCCEEDED, finish_next

pytestmark = pytest.mark.django_db


def audited() -> AuditRecord:
    """The only record there is."""
    return AuditRecord.objects.get()


def dead_letter(number: int = 1) -> JobHandle:
    handle = add.enqueue(number)
    finish_next(DEAD)
    return handle


class TestWho:
    def test_code_without_an_actor_is_recorded_as_code(self):
        Queue("mail").pause()

        assert (audited().actor, audited().why) == ("code", "")

    def test_who_acts_and_why_is_recorded_with_the_time(self):
        before = store_for("default").database_now()

        with acting_as("ada", why="INC-7"):
            Queue("mail").pause()

        assert (audited().actor, audited().why) == ("ada", "INC-7")
        assert audited().at - before < timedelta(minutes=1)

    def test_the_reason_of_an_action_is_its_why_unless_the_actor_said_another(self):
        job = add.enqueue(1)
        with acting_as("ada"):
            cancel(job.id, reason="order withdrawn")
        with acting_as("ada", why="INC-7"):
            Queue("mail").pause("the relay is down")

        whys = list(AuditRecord.objects.order_by("id").values_list("why", flat=True))
        assert whys == ["order withdrawn", "INC-7"]

    def test_the_innermost_actor_acts_and_the_outer_one_after_it(self):
        with acting_as("ada"):
            with acting_as("grace"):
                assert actor().name == "grace"
            assert actor().name == "ada"
        assert actor().name == "code"

    def test_an_actor_is_gone_after_an_error(self):
        with pytest.raises(KeyError), acting_as("ada"):
            raise KeyError

        assert actor().name == "code"

    def test_tasks_act_each_in_its_own_name(self):
        both_act = asyncio.Barrier(2)

        async def act(name: str) -> str:
            with acting_as(name):
                await both_act.wait()
                return await sync_to_async(lambda: actor().name)()

        async def both() -> list[str]:
            return await asyncio.gather(act("ada"), act("grace"))

        assert asyncio.run(both()) == ["ada", "grace"]

    def test_another_thread_acts_in_its_own_name(self):
        names: list[str] = []
        with acting_as("ada"):
            thread = threading.Thread(target=lambda: names.append(actor().name))
            thread.start()
            thread.join()

        assert names == ["code"]

    @pytest.mark.parametrize("name", ["", "a" * 256, "a\nb", None])
    def test_a_name_that_cannot_be_kept_is_refused(self, name: Any):
        with pytest.raises(InvalidOptions, match="'name'"), acting_as(name):
            pass

    def test_a_why_that_no_database_stores_is_stored_as_far_as_it_can_be(self):
        with acting_as("ada", why="a\x00b" + "c" * 5_000):
            Queue("mail").pause()

        assert audited().why.startswith("a")
        assert len(audited().why) == 1_000


class TestJobs:
    @pytest.mark.parametrize(
        ("action", "steer"),
        [
            ("job.cancel", cancel),
            ("job.run_now", run_now),
            ("job.run_now", retry),
        ],
    )
    def test_what_is_done_to_a_waiting_job_names_it(
        self, action: str, steer: Callable[[int], object]
    ):
        job = add.using(delay=60).enqueue(1)

        steer(job.id)

        record = audited()
        assert (record.action, record.subject, record.count) == (action, str(job.id), 1)
        assert record.job_ids == [job.id]

    @pytest.mark.parametrize(
        ("action", "steer"),
        [("job.requeue", requeue), ("job.requeue", retry), ("job.discard", discard)],
    )
    def test_what_is_done_to_a_dead_letter_names_it(
        self, action: str, steer: Callable[[int], object]
    ):
        job = dead_letter()

        steer(job.id)

        assert (audited().action, audited().job_ids) == (action, [job.id])

    def test_other_arguments_are_told_with_those_before(self):
        job = dead_letter(1)

        requeue_edited(job.id, 2)

        assert audited().action == "job.edit"
        assert audited().before == {"payload": {"args": [], "kwargs": {"a": 1}}}
        assert audited().after == {"payload": {"args": [], "kwargs": {"a": 2}}}

    def test_a_copied_job_is_named_by_its_record(self):
        job = add.enqueue(1)
        finish_next(SUCCEEDED)

        requeue(job.id)

        assert audited().job_ids == [job.id]

    def test_a_bulk_action_is_one_record_with_what_was_asked(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(filters, "BATCH", 2)
        jobs = [greet.using(tags=["x"]).enqueue(str(number)) for number in range(5)]

        Queue("mail").cancel(tag="x")

        record = audited()
        assert (record.count, record.queue, record.subject) == (5, "mail", "")
        assert record.job_ids == [job.id for job in jobs]
        assert record.asked == {"queue": "mail", "tag": "x"}

    def test_a_record_names_the_first_jobs_and_counts_the_others(self):
        jobs = add.enqueue_many([(number,) for number in range(JOBS_NAMED + 5)])

        cancel(handler=add)

        assert audited().count == len(jobs)
        assert audited().job_ids == [job.id for job in jobs[:JOBS_NAMED]]

    def test_jobs_that_are_cancelled_with_the_one_they_wait_for_are_named_too(self):
        first, second = chain(add.s(1), add.s(2)).enqueue()

        cancel(first.id)

        assert (audited().count, audited().subject) == (2, str(first.id))
        assert audited().job_ids == [first.id, second.id]

    def test_only_what_was_requeued_is_counted(self):
        free, taken = add.enqueue(1), add.using(unique_key="key").enqueue(2)
        finish_next(DEAD)
        finish_next(DEAD)
        add.using(unique_key="key").enqueue(3)

        requeue(handler=add, limit=10, rate="1/s")

        assert (audited().count, audited().job_ids) == (1, [free.id])
        assert audited().asked == {"handler": "tests.handlers.add", "limit": 10, "rate": "1/s"}
        assert taken.refresh().state == JobState.DEAD

    def test_what_changes_nothing_leaves_no_record(self):
        cancel(4711)
        run_now(4711)
        discard(4711)
        Queue("mail").resume()
        control.stop_worker(uuid4())
        clear_limit("key", "account:1")

        assert not AuditRecord.objects.exists()

    def test_an_action_that_is_rolled_back_leaves_no_record(self):
        job = add.enqueue(1)
        with transaction.atomic():
            cancel(job.id)
            transaction.set_rollback(True)

        assert not AuditRecord.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_an_action_that_breaks_off_has_a_record_of_what_it_did(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(filters, "BATCH", 2)
        jobs = [add.enqueue(number) for number in range(6)]
        store, tries = store_for("default"), iter(range(10))
        cancel_batch = type(store).cancel_waiting  # type: ignore[attr-defined]

        def break_off(*args: Any, **options: Any) -> Any:
            if next(tries) == 2:
                raise DatabaseError("the connection is gone")
            return cancel_batch(*args, **options)

        monkeypatch.setattr(type(store), "cancel_waiting", break_off)
        with pytest.raises(DatabaseError, match="is gone"):
            cancel(handler=add)

        assert (audited().count, audited().job_ids) == (4, [job.id for job in jobs[:4]])
        assert set(Job.objects.values_list("id", flat=True)) == {job.id for job in jobs[4:]}

    @pytest.mark.django_db(transaction=True)
    def test_an_action_that_cannot_be_recorded_is_not_done(self):
        job = add.enqueue(1)
        with connection.schema_editor() as editor:
            editor.alter_db_table(AuditRecord, "jobqueue_audit", "jobqueue_audit_away")
        try:
            with pytest.raises(DatabaseError):
                cancel(job.id)
            with pytest.raises(DatabaseError):
                Queue("mail").pause()
        finally:
            with connection.schema_editor() as editor:
                editor.alter_db_table(AuditRecord, "jobqueue_audit_away", "jobqueue_audit")

        assert job.state == JobState.READY
        assert Queue("mail").stats().paused_at is None
