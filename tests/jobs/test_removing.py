from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings

from django_jobqueue import JobHandle, Queue, prune, purge
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.specs import Pruned, Purged
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, AttemptRecord, AuditRecord, DeadJob, Job
from django_jobqueue.store import filters, store_for
from tests.handlers import add, greet

from .finishing import DEAD, SUCCEEDED, claim_next, finish_next

pytestmark = pytest.mark.django_db

Told = list[tuple[str, dict[str, object]]]
HOUR = timedelta(hours=1)


def aged(handle: JobHandle, *, by: timedelta) -> JobHandle:
    """The job, enqueued and ended so long ago."""
    long_ago = store_for("default").database_now() - by
    Job.objects.filter(pk=handle.id).update(created_at=long_ago)
    for model in (ArchivedJob, DeadJob):
        model._default_manager.filter(pk=handle.id).update(finished_at=long_ago)
    return handle


def finished(*transitions: Any, queue: str = "mail") -> list[JobHandle]:
    """A job for each, and what became of it."""
    handles = []
    for transition in transitions:
        handles.append(greet.using(queue=queue).enqueue("Ada"))
        finish_next(transition, queue=queue)
    return handles


def left() -> set[int]:
    """The ids of all jobs, wherever they are."""
    return {
        job_id
        for model in (Job, ArchivedJob, DeadJob)
        for job_id in model.objects.values_list("pk", flat=True)
    }


class TestPurge:
    def test_history_is_removed_and_what_waits_is_cancelled(self, told: Told):
        finished(SUCCEEDED, DEAD)
        waiting, later = greet.enqueue("Ada"), greet.using(delay=60).enqueue("Bob")
        other = add.enqueue(1)

        done = Queue("mail").purge(reason="moved house")

        assert done == Purged(archived=1, dead=1, cancelled=2)
        assert left() == {waiting.id, later.id, other.id}
        assert {waiting.state, later.state} == {JobState.CANCELLED}
        assert waiting.error == {"type": "Cancel", "message": "moved house"}
        assert other.state == JobState.READY
        assert not AttemptRecord.objects.exists()
        assert [name for name, _ in told if "purged" in name] == ["jobs.purged"]
        assert [name for name, _ in told].count("job.cancelled_waiting") == 2

    def test_what_runs_goes_on(self):
        greet.enqueue("Ada")
        running = claim_next(queue="mail")

        assert Queue("mail").purge() == Purged()
        assert Job.objects.get().pk == running.id
        assert Job.objects.get().cancel_requested_at is None

    @pytest.mark.parametrize(
        ("state", "done"),
        [
            (JobState.SUCCEEDED, Purged(archived=1)),
            (JobState.CANCELLED, Purged(archived=1)),
            (JobState.DEAD, Purged(dead=1)),
            (JobState.READY, Purged(cancelled=1)),
            (JobState.SCHEDULED, Purged(cancelled=1)),
        ],
    )
    def test_a_state_narrows_it(self, state: JobState, done: Purged):
        finished(SUCCEEDED, DEAD)
        greet.enqueue("Ada").cancel()
        greet.enqueue("Ada")
        greet.using(delay=60).enqueue("Ada")

        assert Queue("mail").purge(state=state, dry_run=True) == done
        assert Queue("mail").purge(state=state) == done

    def test_handler_and_tag_narrow_it(self):
        tagged = greet.using(tags=["x"]).enqueue("Ada")
        plain, other = greet.enqueue("Bob"), add.using(queue="mail").enqueue(1)

        assert Queue("mail").purge(tag="x").cancelled == 1
        assert Queue("mail").purge(handler=add).cancelled == 1
        assert (tagged.state, plain.state) == (JobState.CANCELLED, JobState.READY)
        assert other.state == JobState.CANCELLED

    def test_only_what_is_older_is_meant(self):
        [old, young] = finished(SUCCEEDED, SUCCEEDED)
        old_waiting, young_waiting = greet.enqueue("Ada"), greet.enqueue("Bob")
        aged(old, by=2 * HOUR)
        aged(old_waiting, by=2 * HOUR)

        done = Queue("mail").purge(older_than=HOUR)

        assert done == Purged(archived=1, cancelled=1)
        assert left() == {young.id, old_waiting.id, young_waiting.id}
        assert young_waiting.state == JobState.READY

    def test_a_limit_holds_for_all_kinds_together(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(filters, "BATCH", 2)
        finished(SUCCEEDED, SUCCEEDED, SUCCEEDED, DEAD)
        greet.enqueue("Ada")

        assert Queue("mail").purge(limit=4, dry_run=True) == Purged(archived=3, dead=1)
        assert Queue("mail").purge(limit=3) == Purged(archived=3)
        assert Queue("mail").purge(limit=2) == Purged(dead=1, cancelled=1)

    def test_a_dry_run_counts_and_changes_nothing(self, told: Told):
        finished(SUCCEEDED, DEAD)
        greet.enqueue("Ada")
        before = left()
        told.clear()

        assert Queue("mail").purge(dry_run=True) == Purged(archived=1, dead=1, cancelled=1)
        assert left() == before
        assert told == []
        assert not AuditRecord.objects.exists()

    def test_it_is_recorded_once_with_what_was_asked(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(filters, "BATCH", 2)
        jobs = [*finished(SUCCEEDED, SUCCEEDED, SUCCEEDED, DEAD), greet.enqueue("Ada")]

        Queue("mail").purge(older_than=0, limit=100, reason="moved house")

        record = AuditRecord.objects.get()
        assert (record.action, record.queue, record.count) == ("job.purge", "mail", 5)
        assert record.job_ids == [job.id for job in jobs]
        assert record.asked == {"queue": "mail", "older_than": 0.0, "limit": 100}
        assert record.why == "moved house"

    def test_without_a_queue_it_needs_a_criterion(self):
        with pytest.raises(ValueError, match="without a criterion would mean every job"):
            purge(older_than=HOUR)
        add.enqueue(1)

        assert purge(handler=add).cancelled == 1

    @pytest.mark.parametrize(
        "wrong", [{"state": JobState.RUNNING}, {"limit": 0}, {"older_than": -1}, {"tags": "x"}]
    )
    def test_what_cannot_be_is_refused(self, wrong: dict[str, Any]):
        finished(SUCCEEDED)

        with pytest.raises(InvalidOptions):
            Queue("mail").purge(**wrong)
        assert ArchivedJob.objects.exists()


class TestPrune:
    def test_what_is_past_its_retention_is_removed_in_as_many_batches_as_it_takes(self, told: Told):
        old = [aged(one, by=91 * 24 * HOUR) for one in finished(*[SUCCEEDED] * 3, *[DEAD] * 5)]
        [young] = finished(SUCCEEDED)
        told.clear()

        with override_settings(JOBQUEUE={"JANITOR_BATCH": 2}):
            assert prune(dry_run=True) == Pruned(archived=3, dead=5, attempts=5)
            assert len(left()) == len(old) + 1
            assert prune() == Pruned(archived=3, dead=5, attempts=5)

        assert left() == {young.id}
        assert [name for name, _ in told] == ["records.pruned"]

    def test_of_one_queue_nothing_else_is_removed(self):
        [mine] = finished(SUCCEEDED)
        [other] = finished(SUCCEEDED, queue="other")
        for one in (mine, other):
            aged(one, by=30 * 24 * HOUR)

        Queue("mail").pause()
        AuditRecord.objects.update(at=store_for("default").database_now() - 100 * 24 * HOUR)

        assert prune(queue="mail") == Pruned(archived=1)
        assert left() == {other.id}
        assert prune() == Pruned(archived=1, audits=1)

    def test_a_retention_that_is_given_holds_whatever_the_queue_says(self):
        Queue("mail").configure(archive_retention=100 * HOUR, dead_retention=100 * HOUR)
        archived, dead = finished(SUCCEEDED, DEAD)
        for one in (archived, dead):
            aged(one, by=2 * HOUR)

        assert prune() == Pruned()
        assert prune(archive_retention=HOUR) == Pruned(archived=1)
        assert prune(dead_retention=3 * HOUR) == Pruned()
        assert prune(dead_retention=HOUR, queue="mail") == Pruned(dead=1, attempts=1)

    def test_it_is_recorded_once(self):
        jobs = finished(SUCCEEDED, SUCCEEDED, DEAD)
        for one in jobs:
            aged(one, by=2 * HOUR)

        with override_settings(JOBQUEUE={"JANITOR_BATCH": 1}):
            prune(queue="mail", archive_retention=HOUR, dead_retention=0)

        record = AuditRecord.objects.get()
        assert (record.action, record.queue, record.count) == ("job.prune", "mail", 3)
        assert sorted(record.job_ids) == sorted(job.id for job in jobs)
        assert record.asked == {
            "queue": "mail",
            "archive_retention": 3600.0,
            "dead_retention": 0.0,
        }

    def test_what_removes_nothing_leaves_no_record(self):
        finished(SUCCEEDED)

        assert prune() == Pruned()
        assert not AuditRecord.objects.exists()

    @pytest.mark.parametrize("wrong", [{"queue": ""}, {"archive_retention": -1}])
    def test_what_cannot_be_is_refused(self, wrong: dict[str, Any]):
        with pytest.raises(InvalidOptions):
            prune(**wrong)
