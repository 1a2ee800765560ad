"""What a worker does over hours, in a plain TestCase, as time passes there."""

from datetime import timedelta

from django_jobqueue import Batch, Constant, Exponential, Retry, Snooze, chain, every
from django_jobqueue.models import WorkerRecord
from django_jobqueue.store import store_for
from django_jobqueue.testing import run_jobs
from django_jobqueue.testing.clock import moved_now
from tests.store.helpers import claim, register_worker

from .clocks import BEGINNING, StoppedTime
from .jobs import Broken, act, acts, add, break_down, limited, rated, told


class Waiting(StoppedTime):
    def test_a_delayed_job_is_due_after_its_delay(self) -> None:
        act.using(delay=60).enqueue("late")

        self.pass_time(59)
        assert len(run_jobs()) == 0
        self.pass_time(1)
        assert run_jobs().counts == {"succeeded": 1}

    def test_a_job_is_due_at_the_very_moment_that_its_run_at_names(self) -> None:
        due = self.now + timedelta(hours=1, microseconds=123_456)
        act.using(run_at=due).enqueue("exact")

        self.pass_time(3600.123456)

        assert run_jobs().counts == {"succeeded": 1}

    def test_a_delay_that_begins_between_two_milliseconds_is_over_after_its_time(self) -> None:
        self.pass_time(0.000_799_6)
        act.using(delay=60).enqueue("late")

        self.pass_time(60)

        assert run_jobs().counts == {"succeeded": 1}

    def test_a_job_that_expired_before_it_ran_is_dead(self) -> None:
        late = act.using(expires_at=self.now + timedelta(minutes=5)).enqueue("late")

        self.pass_time(301)
        [run] = run_jobs()

        assert (run.outcome, late.refresh().snapshot.reason) == ("dead", "expired")
        assert told == []

    def test_a_job_exists_from_its_enqueue_on_however_it_was_enqueued(self) -> None:
        handles = [
            act.enqueue("plain"),
            act.using(unique=True).enqueue("unique"),
            act.using(delay=60).enqueue("later"),
            *act.enqueue_many([["many"], ["more"]]),
            *act.using(unique=True).enqueue_many([["first"], ["second"]]),
            *chain(act.s("one"), act.s("two")).enqueue(),
        ]

        times = {(job.created_at, job.ready_at) for job in (one.snapshot for one in handles)}
        assert times == {(self.now, self.now)}

    def test_what_is_recorded_happened_by_the_stopped_clock(self) -> None:
        handle = act.enqueue("timed")
        self.pass_time(30)
        acts["timed"] = lambda: self.pass_time(7)

        run_jobs()

        job = handle.refresh().snapshot
        assert job.created_at == self.now - timedelta(seconds=37)
        assert job.attempted_at == self.now - timedelta(seconds=7)
        assert job.finished_at == self.now


class Retrying(StoppedTime):
    def test_a_failure_is_retried_after_its_backoff_until_its_attempts_are_spent(self) -> None:
        acts["fails"] = break_down
        handle = act.using(max_attempts=3).enqueue("fails")

        assert run_jobs().counts == {"failed": 1}
        self.pass_time(59)
        assert len(run_jobs()) == 0
        self.pass_time(1)
        assert run_jobs().counts == {"failed": 1}
        self.pass_time(60)
        [last] = run_jobs()

        assert (last.outcome, last.attempt) == ("dead", 3)
        assert isinstance(last.error, Broken)
        assert handle.refresh().snapshot.reason == "exhausted"
        assert [one.outcome for one in handle.attempts] == ["failed"] * 3

    def test_the_waits_between_attempts_grow_as_the_backoff_says(self) -> None:
        acts["fails"] = break_down
        growing = Exponential(initial=10, factor=3, jitter=0)
        act.using(max_attempts=4, backoff=growing).enqueue("fails")

        waits = []
        for _ in range(3):
            [run] = run_jobs()
            assert run.job is not None
            assert run.job.run_at is not None
            waits.append((run.job.run_at - self.now).total_seconds())
            self.pass_time(waits[-1])

        assert waits == [10, 30, 90]
        assert run_jobs().counts == {"dead": 1}

    def test_retry_and_snooze_come_back_when_they_said(self) -> None:
        answers = iter([Retry("not yet", delay=300), Snooze(delay=600), "done"])
        acts["answers"] = lambda: next(answers)
        handle = act.using(backoff=Constant(1, jitter=0)).enqueue("answers")

        assert run_jobs().counts == {"failed": 1}
        self.pass_time(300)
        assert run_jobs().counts == {"snoozed": 1}
        assert handle.refresh().snapshot.attempt == 1
        self.pass_time(600)
        [last] = run_jobs()

        assert (last.outcome, last.attempt, handle.refresh().result) == ("succeeded", 2, "done")

    def test_until_goes_from_one_due_time_to_the_next(self) -> None:
        acts["fails"] = break_down
        act.using(max_attempts=3).enqueue("fails")
        act.using(delay=90).enqueue("between")

        runs = run_jobs(until=timedelta(minutes=30), clock=self.clock)

        assert [(run.outcome, run.attempt) for run in runs] == [
            ("failed", 1),
            ("failed", 2),
            ("succeeded", 1),
            ("dead", 3),
        ]
        ends = [run.job.finished_at for run in runs if run.job and run.job.finished_at]
        assert [round((end - BEGINNING).total_seconds()) for end in ends] == [90, 120]
        assert moved_now() == BEGINNING + timedelta(minutes=30)

    def test_a_worker_that_stopped_beating_loses_its_jobs(self) -> None:
        store = store_for("default")
        handle = act.using(backoff=Constant(0)).enqueue("taken")
        [_] = claim(store, register_worker(store), "default")
        assert len(run_jobs()) == 0

        self.pass_time(31)
        [run] = run_jobs()

        assert (run.outcome, told) == ("succeeded", ["taken"])
        assert handle.refresh().snapshot.rescues == 1
        assert WorkerRecord.objects.filter(state="dead").count() == 1


class Limiting(StoppedTime):
    def test_a_unique_key_is_taken_until_its_holder_has_ended(self) -> None:
        first = act.using(unique=True, delay=60).enqueue("once")
        again = act.using(unique=True).enqueue("once")
        assert (again.created, again.id) == (False, first.id)

        self.pass_time(60)
        run_jobs()

        assert act.using(unique=True).enqueue("once").created
        assert told == ["once"]

    def test_a_unique_window_counts_from_the_end_of_the_job(self) -> None:
        hourly = act.using(unique=True, unique_for=timedelta(hours=1))
        hourly.enqueue("hourly")
        run_jobs()

        self.pass_time(3599)
        assert not hourly.enqueue("hourly").created
        self.pass_time(2)
        assert hourly.enqueue("hourly").created

    def test_a_rate_lets_one_job_start_after_the_other(self) -> None:
        for name in "abc":
            rated.enqueue(name)

        assert len(run_jobs()) == 1
        self.pass_time(59)
        assert len(run_jobs()) == 0
        self.pass_time(1)
        assert len(run_jobs()) == 1
        self.pass_time(60)
        assert len(run_jobs()) == 1
        assert told == ["a", "b", "c"]

    def test_no_more_run_at_once_than_max_running(self) -> None:
        handles = limited.enqueue_many([[name] for name in "abcde"])
        seen = []
        for name in "abcde":
            acts[name] = lambda: seen.append(
                sorted(handle.refresh().state.value for handle in handles)
            )

        runs = run_jobs(concurrency=5)

        assert told == list("abcde")
        assert runs.counts == {"succeeded": 5}
        assert seen[0] == ["blocked"] * 3 + ["running"] * 2
        assert max(states.count("running") for states in seen) == 2


class Composing(StoppedTime):
    def test_a_schedule_gives_one_job_for_each_slot(self) -> None:
        act.using(every=3600).enqueue("hourly")

        assert len(run_jobs()) == 0
        self.pass_time(3600)
        assert run_jobs().counts == {"succeeded": 1}
        assert len(run_jobs()) == 0
        run_jobs(until=timedelta(hours=3), clock=self.clock)

        assert told == ["hourly"] * 4

    def test_a_cron_string_is_due_at_its_local_time(self) -> None:
        act.using(cron="0 7 * * *", timezone="Europe/Berlin").enqueue("at seven")

        runs = run_jobs(until=timedelta(days=1), clock=self.clock)

        [slot] = [run.job.slot for run in runs if run.job]
        assert slot is not None
        assert slot.isoformat() == "2031-03-02T06:00:00+00:00"

    def test_a_span_that_begins_at_the_end_of_a_run_waits_for_that(self) -> None:
        acts["slow"] = lambda: self.pass_time(600)
        act.using(every=every(3600, after="finish")).enqueue("slow")

        self.pass_time(3600)
        assert len(run_jobs()) == 1
        self.pass_time(3599)
        assert len(run_jobs()) == 0
        self.pass_time(1)
        assert len(run_jobs()) == 1

    def test_a_batch_enqueues_its_callback_after_the_last_retry(self) -> None:
        failures = iter([Broken("once")])

        def fail_once() -> None:
            for failure in failures:
                raise failure

        acts["second"] = fail_once
        Batch(on_success=act.s("all done")).enqueue([act.s("first"), act.s("second")])

        run_jobs()
        assert told == ["first", "second"]
        self.pass_time(60)
        run_jobs()

        assert told == ["first", "second", "second", "all done"]

    def test_a_chain_hands_each_result_on(self) -> None:
        last = chain(add.s(1), add.using(result_as="second").s(40)).enqueue()[-1]

        assert run_jobs().counts == {"succeeded": 2}
        assert last.refresh().result == 42
