"""Requeueing at a rate, and with other arguments."""

import pytest

from django_jobqueue import (
    InvalidArguments,
    InvalidOptions,
    JobNotFound,
    RequeueRefused,
    StateChanged,
    job,
    requeue,
    requeue_edited,
)
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from tests.handlers import add

from .finishing import DEAD, SUCCEEDED, finish_next

pytestmark = pytest.mark.django_db


@job(unique_by=["a"])
def keyed(a: int, b: int) -> None: ...


class TestRate:
    def test_a_rate_makes_them_due_one_after_another(self):
        ids = []
        for number in range(3):
            ids.append(add.enqueue(number).id)
            finish_next(DEAD)

        assert requeue(queue="default", rate="30/m").ids == tuple(ids)

        first, second, third = Job.objects.order_by("id")
        assert (first.state, second.state, third.state) == ("ready", "scheduled", "scheduled")
        assert (second.run_at - first.ready_at).total_seconds() == pytest.approx(2, abs=0.5)
        assert (third.run_at - second.run_at).total_seconds() == pytest.approx(2, abs=0.001)

    def test_what_is_no_rate_is_refused_and_nothing_requeued(self):
        dead = add.enqueue(1)
        finish_next(DEAD)

        with pytest.raises(InvalidOptions, match="must be a rate"):
            requeue(queue="default", rate="fast")
        assert dead.state == JobState.DEAD


class TestEdited:
    def test_a_dead_letter_lives_again_with_other_arguments(self):
        dead = add.using(unique=True).enqueue(1)
        finish_next(DEAD)

        assert requeue_edited(dead.id, 2) == dead.id

        again = add.using(unique=True).enqueue(2)
        assert (again.id, again.created) == (dead.id, False), "its key is that of its arguments"
        live = Job.objects.get()
        assert (live.payload["kwargs"], live.fingerprint) == ({"a": 2}, live.unique_key)

    def test_a_key_by_one_argument_is_made_anew_and_one_of_the_callers_stays(self):
        by_argument = keyed.enqueue(1, 10)
        finish_next(DEAD)
        by_caller = add.using(unique_key="mine", fingerprint="too").enqueue(1)
        finish_next(DEAD)

        requeue_edited(by_argument.id, 2, 20)
        requeue_edited(by_caller.id, 2)

        assert keyed.enqueue(2, 30).id == by_argument.id
        kept = Job.objects.get(pk=by_caller.id)
        assert (kept.unique_key, kept.fingerprint) == ("mine", "too")

    def test_an_archived_job_is_copied(self):
        done = add.enqueue(1)
        finish_next(SUCCEEDED)

        copy = requeue_edited(done.id, 5)

        assert copy != done.id
        assert Job.objects.get(pk=copy).payload["kwargs"] == {"a": 5}
        assert ArchivedJob.objects.get(pk=done.id).payload["kwargs"] == {"a": 1}

    def test_arguments_that_the_handler_would_refuse_change_nothing(self):
        dead = add.enqueue(1)
        finish_next(DEAD)

        with pytest.raises(InvalidArguments, match="'wrong'"):
            requeue_edited(dead.id, wrong=1)
        with pytest.raises(InvalidArguments, match="must be"):
            requeue_edited(dead.id, "text")
        assert dead.state == JobState.DEAD

    def test_a_payload_that_nobody_can_read_is_replaced(self):
        dead = add.enqueue(1)
        finish_next(DEAD)
        DeadJob.objects.update(payload=["no payload"])

        requeue_edited(dead.id, 3)

        assert Job.objects.get().payload["kwargs"] == {"a": 3}

    def test_what_lives_or_is_nowhere_is_told_as_such(self):
        live = add.enqueue(1)

        with pytest.raises(StateChanged, match="ready"):
            requeue_edited(live.id, 2)
        with pytest.raises(JobNotFound):
            requeue_edited(999_999, 2)
        assert Job.objects.get().payload["kwargs"] == {"a": 1}

    def test_a_taken_key_is_refused(self):
        dead = add.using(unique=True).enqueue(1)
        finish_next(DEAD)
        add.using(unique=True).enqueue(2)

        with pytest.raises(RequeueRefused):
            requeue_edited(dead.id, 2)
