from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from django_jobqueue import cancel, discard, requeue, retry, run_now
from django_jobqueue.core.errors import InvalidOptions, JobNotFound, RequeueRefused, StateChanged
from django_jobqueue.core.specs import Cancelled
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.jobs import control
from django_jobqueue.models import ArchivedJob, DeadJob, Job, WorkerRecord
from tests.handlers import Divide, add, greet

from .finishing import DEAD, RETRIED, SUCCEEDED, claim_next, finish_next

pytestmark = pytest.mark.django_db

Told = list[tuple[str, dict[str, object]]]


class TestWhichJobs:
    @pytest.mark.parametrize("verb", [cancel, run_now, requeue, discard])
    def test_a_call_without_a_criterion_is_refused(self, verb: Callable[..., object]):
        waiting = add.enqueue(1)

        with pytest.raises(ValueError, match="without a criterion would mean every job"):
            verb()
        with pytest.raises(ValueError, match="without a criterion"):
            verb(*[], handler=None, queue=None)

        assert waiting.refresh().state == JobState.READY

    @pytest.mark.parametrize("verb", [cancel, run_now, requeue, discard])
    def test_a_misspelt_criterion_is_refused(self, verb: Callable[..., object]):
        with pytest.raises(InvalidOptions, match="Did you mean 'queue'"):
            verb(queu="default")

    @pytest.mark.parametrize("wrong", ["7", 7.0, True, None])
    def test_an_id_is_a_whole_number(self, wrong: Any):
        with pytest.raises(TypeError, match="ids of jobs"):
            cancel(wrong)

    @pytest.mark.parametrize(
        "criteria",
        [
            {"handler": "tests.greet"},
            {"handler": greet},
            {"queue": "mail"},
            {"fingerprint": "label"},
            {"unique_key": "key"},
            {"tag": "urgent"},
            {"queue": "mail", "tag": "urgent"},
        ],
    )
    def test_every_criterion_that_is_given_must_hold(self, criteria: dict[str, Any]):
        meant = greet.using(fingerprint="label", unique_key="key", tags=["urgent"]).enqueue("Ada")
        others = [add.enqueue(1), Divide.enqueue(a=1)]

        assert cancel(**criteria) == Cancelled(cancelled=1)
        assert cancel(**{**criteria, "queue": "elsewhere"}) == Cancelled()
        assert meant.refresh().state == JobState.CANCELLED
        assert {other.refresh().state for other in others} == {JobState.READY}

    def test_several_ids_are_several_jobs(self):
        first, second, third = (add.enqueue(number) for number in range(3))

        assert cancel(first.id, third.id).cancelled == 2
        assert second.refresh().state == JobState.READY


class TestCancel:
    def test_a_waiting_job_goes_to_the_archive_with_the_reason(self):
        handle = add.using(delay=60).enqueue(1)

        cancel(handle.id, reason="order withdrawn")

        assert handle.state == JobState.CANCELLED
        assert handle.error == {"type": "Cancel", "message": "order withdrawn"}

    def test_a_running_job_is_asked_to_stop(self):
        handle = add.enqueue(1)
        claim_next()

        assert cancel(handle.id) == Cancelled(asked=1)
        assert handle.snapshot.cancel_requested_at is not None

    def test_what_is_final_stays_as_it_is(self):
        handle = add.enqueue(1)
        finish_next(SUCCEEDED)

        assert cancel(handle.id) == Cancelled()
        assert handle.state == JobState.SUCCEEDED

    def test_it_is_told(self, told: Told):
        handle = add.enqueue(1)
        cancel(handle.id, reason="why not")

        [name, facts] = told[-1]
        assert name == "jobs.cancelled"
        assert (facts["cancelled"], facts["asked"], facts["reason"]) == (1, 0, "why not")


class TestRunNow:
    def test_a_scheduled_job_becomes_ready(self):
        handle = add.using(delay=3_600).enqueue(1)

        assert run_now(handle.id) == 1
        assert handle.state == JobState.READY

    def test_a_job_that_is_ready_already_is_not_counted(self):
        assert run_now(add.enqueue(1).id) == 0


class TestRequeue:
    def test_a_dead_letter_lives_again_with_fresh_attempts(self, told: Told):
        handle = add.enqueue(1)
        finish_next(DEAD)

        assert requeue(handle.id).ids == (handle.id,)

        assert (handle.state, handle.snapshot.attempt) == (JobState.READY, 0)
        assert not DeadJob.objects.exists()
        assert told[-1][0] == "jobs.requeued"

    def test_an_archived_job_is_copied_and_the_copy_knows_its_source(self):
        handle = add.enqueue(1)
        finish_next(SUCCEEDED)

        [copy] = requeue(handle.id).ids

        assert Job.objects.get(pk=copy).requeued_from == handle.id
        assert ArchivedJob.objects.filter(pk=handle.id).exists()

    def test_without_ids_only_dead_letters_are_meant(self):
        add.enqueue(1)
        finish_next(SUCCEEDED)
        dead = add.enqueue(2)
        finish_next(DEAD)

        assert requeue(queue="default").ids == (dead.id,)
        assert Job.objects.count() == 1

    def test_archived_jobs_are_meant_when_their_state_is_named(self):
        add.enqueue(1)
        finish_next(SUCCEEDED)

        assert len(requeue(queue="default", state=JobState.SUCCEEDED).ids) == 1

    def test_dead_letters_can_be_picked_by_their_reason(self):
        add.enqueue(1)
        finish_next(DEAD)

        assert requeue(death=DeathReason.EXHAUSTED).ids == ()
        assert len(requeue(death=DeathReason.DISCARDED).ids) == 1

    def test_a_limit_requeues_no_more(self):
        for number in range(3):
            add.enqueue(number)
            finish_next(DEAD)

        assert len(requeue(queue="default", limit=2).ids) == 2
        assert DeadJob.objects.count() == 1

    def test_a_single_job_whose_key_is_taken_is_refused_and_stays(self):
        dead = add.using(unique_key="k").enqueue(1)
        finish_next(DEAD)
        add.using(unique_key="k").enqueue(2)

        with pytest.raises(RequeueRefused, match="another live job holds its unique key"):
            requeue(dead.id)

        assert dead.state == JobState.DEAD

    def test_among_many_the_refused_ones_are_listed(self):
        refused = add.using(unique_key="k").enqueue(1)
        finish_next(DEAD)
        free = add.enqueue(2)
        finish_next(DEAD)
        add.using(unique_key="k").enqueue(3)

        done = requeue(refused.id, free.id)

        assert done.ids == (free.id,)
        assert done.refused == (refused.id,)

    def test_a_job_that_is_live_is_a_stale_selection(self):
        with pytest.raises(StateChanged, match="it is ready"):
            requeue(add.enqueue(1).id)

    def test_a_job_that_is_nowhere_is_told_as_such(self):
        with pytest.raises(JobNotFound):
            requeue(2**62)


class TestRetry:
    def test_a_job_that_waits_for_its_retry_runs_now(self):
        handle = add.enqueue(1)
        finish_next(RETRIED)

        assert retry(handle.id).count == 1
        assert (handle.state, handle.snapshot.attempt) == (JobState.READY, 1)

    def test_a_dead_letter_is_requeued(self):
        handle = add.enqueue(1)
        finish_next(DEAD)

        assert retry(handle.id).count == 1
        assert handle.state == JobState.READY

    def test_both_kinds_are_counted_together(self):
        waiting = add.enqueue(1)
        finish_next(RETRIED)
        dead = add.enqueue(2)
        finish_next(DEAD)

        assert retry(waiting.id, dead.id).count == 2

    def test_a_job_that_succeeded_is_not_run_again(self):
        handle = add.enqueue(1)
        finish_next(SUCCEEDED)

        with pytest.raises(StateChanged, match="it is succeeded"):
            retry(handle.id)


class TestDiscard:
    def test_dead_letters_are_deleted_and_nothing_else(self, told: Told):
        dead = add.enqueue(1)
        finish_next(DEAD)
        kept = add.enqueue(2)

        assert discard(dead.id, kept.id) == 1
        assert not DeadJob.objects.exists()
        assert kept.state == JobState.READY
        assert told[-1][0] == "jobs.discarded"

    def test_they_can_be_picked_by_their_reason(self):
        add.enqueue(1)
        finish_next(DEAD)

        assert discard(death=DeathReason.POISON) == 0
        assert discard(death=DeathReason.DISCARDED) == 1


class TestStopWorker:
    def test_a_living_worker_is_asked_once_it_is_named(self, told: Told):
        add.enqueue(1)
        worker = claim_next().worker_id

        assert control.stop_worker(worker)
        assert told[-1] == ("worker.stop_requested", {"worker_id": worker})
        assert WorkerRecord.objects.get(pk=worker).stop_requested_at is not None

    def test_a_worker_that_is_not_alive_is_not_asked(self, told: Told):
        assert not control.stop_worker(uuid4())
        assert told == []
