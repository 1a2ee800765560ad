from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue import InvalidArguments, JobState, Queue, requeue
from django_jobqueue.models import ArchivedJob, DeadJob, Job
from django_jobqueue.testing import QueueClock, make_job, make_worker, run_jobs

from .jobs import act, acts, add, break_down, told

NOON = datetime(2031, 3, 1, 12, tzinfo=UTC)
TABLES = {JobState.SUCCEEDED: ArchivedJob, JobState.CANCELLED: ArchivedJob, JobState.DEAD: DeadJob}


@pytest.fixture(autouse=True)
def nothing_told(db: None) -> None:
    told.clear()
    acts.clear()


@pytest.mark.parametrize("state", JobState)
def test_a_job_of_any_state_is_in_its_table_with_what_it_must_have(state: JobState) -> None:
    handle = make_job(add, args=(1,), state=state)

    job = handle.snapshot
    assert TABLES.get(state, Job).objects.get().pk == handle.id
    assert (job.state, job.payload) == (state, {"args": [], "kwargs": {"first": 1}})
    ran = state in (JobState.RUNNING, JobState.SUCCEEDED, JobState.DEAD)
    assert (job.claimed_at is not None) == (job.worker_id is not None) == ran
    assert (job.attempt > 0) == ran
    assert (job.finished_at is not None) == state.is_final
    assert (job.error is not None) == (state is JobState.DEAD)


class TestJobs:
    def test_a_ready_job_runs(self) -> None:
        make_job(act, args=("made",))

        assert run_jobs().counts == {"succeeded": 1}

    def test_a_scheduled_job_runs_when_it_is_due(self) -> None:
        with QueueClock() as clock:
            make_job(act, args=("made",), state="scheduled")
            assert not run_jobs()
            clock.tick(hours=1)
            assert len(run_jobs()) == 1

    def test_a_blocked_job_goes_on_once_its_limit_has_room(self) -> None:
        make_job(act, args=("made",), state="blocked")

        assert len(run_jobs()) == 1

    def test_a_running_job_is_left_to_a_worker_that_lives(self) -> None:
        make_job(act, args=("made",), state="running")

        assert not run_jobs()

    def test_a_running_job_is_taken_back_from_a_worker_whose_lease_has_lapsed(self) -> None:
        taken = make_job(act, args=("x",), state="running", worker_id=make_worker(has_lease=False))

        assert run_jobs().counts == {"succeeded": 1}
        assert taken.refresh().snapshot.rescues == 1

    def test_a_retry_has_had_its_attempts(self) -> None:
        acts["made"] = break_down
        handle = make_job(act, args=("made",), attempt=2, error=ValueError("the second time"))
        assert handle.error == {"type": "ValueError", "message": "the second time"}
        assert [one.attempt for one in handle.attempts] == [1, 2]

        [run] = run_jobs()

        assert (run.attempt, run.outcome) == (3, "dead")

    def test_a_dead_letter_can_be_requeued(self) -> None:
        dead = make_job(act, args=("again",), state="dead", reason="discarded")
        assert (dead.snapshot.reason, dead.snapshot.attempt) == ("discarded", 1)

        requeue(dead.id)

        assert run_jobs().counts == {"succeeded": 1}

    def test_an_exhausted_job_has_spent_all_its_attempts(self) -> None:
        dead = make_job(state="dead", max_attempts=5)

        assert (dead.snapshot.attempt, len(dead.attempts)) == (5, 5)

    def test_columns_are_as_they_were_said(self) -> None:
        worker = make_worker(host="elsewhere", queues=["mail"])
        job = make_job(
            act,
            args=("made",),
            state="succeeded",
            queue="mail",
            result={"ok": True},
            worker_id=worker,
            created_at=NOON - timedelta(hours=2),
            attempted_at=NOON - timedelta(hours=1),
            finished_at=NOON,
        ).snapshot

        assert (job.queue, job.result, job.worker_id) == ("mail", {"ok": True}, worker)
        assert (job.created_at, job.attempted_at, job.finished_at) == (
            NOON - timedelta(hours=2),
            NOON - timedelta(hours=1),
            NOON,
        )
        assert job.ready_at == job.claimed_at == job.attempted_at

    def test_what_is_made_is_as_old_as_the_stopped_clock_says(self) -> None:
        with QueueClock(NOON):
            assert make_job().snapshot.created_at == NOON

    def test_numbers_of_queues_count_it(self) -> None:
        make_job(queue="mail")
        make_job(queue="mail", state="dead")

        stats = Queue("mail").stats()
        assert (stats.ready, stats.dead) == (1, 1)


class TestRefusals:
    def test_times_that_are_in_no_order(self) -> None:
        with pytest.raises(ValueError, match="must come in this order"):
            make_job(state="succeeded", created_at=NOON, finished_at=NOON - timedelta(days=1))

    def test_arguments_that_the_handler_would_refuse(self) -> None:
        with pytest.raises(InvalidArguments):
            make_job(add, kwargs={"third": 3})

    def test_a_unique_key_that_is_taken(self) -> None:
        make_job(unique_key="mine")

        with pytest.raises(ValueError, match="'mine' already"):
            make_job(unique_key="mine")

    def test_a_column_that_no_such_job_has(self) -> None:
        for column in ({"reason": "poison"}, {"finished_at": NOON}, {"nonsense": 1}):
            with pytest.raises(Exception, match=next(iter(column))):
                make_job(**column)
