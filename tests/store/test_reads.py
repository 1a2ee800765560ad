"""What the numbers of a queue and of the site say, on whichever database the suite runs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now

from django_jobqueue.core.errors import ReadTooSlow
from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.states import JobState
from django_jobqueue.models import QueueRecord, WorkerRecord
from django_jobqueue.store import sql, store_for
from tests.history import many_jobs
from tests.locks import table_locked

from .helpers import LONG_AGO, make_job, register_worker

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def store():
    return store_for("default")


@pytest.fixture
def now(store):
    return store.database_now()


class TestQueueStats:
    def test_a_count_stops_at_its_limit(self, store):
        for state in ("ready", "scheduled", "blocked", "running"):
            many_jobs(COUNT_LIMIT + 1, state=state, queue="q")

        stats = store.queue_stats("q")

        counts = (stats.ready, stats.scheduled, stats.blocked, stats.running)
        assert counts == (COUNT_LIMIT,) * 4

    def test_what_finished_counts_for_a_minute(self, store, now):
        for finished_at in (now, now - MINUTE * 1.5):
            make_job(JobState.SUCCEEDED, queue="q", finished_at=finished_at)

        assert store.queue_stats("q").finished_last_minute == 1

    @pytest.mark.parametrize("priority", [-5, 0, 3, 5])
    def test_the_oldest_job_is_found_at_whatever_priority_it_has(self, store, now, priority):
        for other in (-5, 0, 3, 5):
            make_job(queue="q", priority=other, ready_at=now - MINUTE)
        make_job(queue="q", priority=priority, ready_at=now - HOUR)
        make_job(queue="other", ready_at=now - 2 * HOUR)

        assert store.queue_stats("q").oldest_wait == pytest.approx(3600, abs=20)


class TestHealth:
    def test_every_queue_with_ready_jobs_is_told(self, store, now):
        make_job(queue="mail", ready_at=now - MINUTE)
        make_job(queue="mail", priority=9)
        make_job(queue="reports", ready_at=now - HOUR)
        make_job(JobState.SCHEDULED, queue="later")

        mail, reports = store.health().queues

        assert (mail.queue, mail.ready) == ("mail", 2)
        assert mail.oldest_wait == pytest.approx(60, abs=20)
        assert (reports.queue, reports.ready) == ("reports", 1)
        assert reports.oldest_wait == pytest.approx(3600, abs=20)

    def test_the_queues_that_are_asked_for_are_told_even_if_they_are_empty(self, store):
        make_job(queue="mail")
        make_job(queue="other")

        told = store.health(["reports", "mail", "mail"]).queues

        assert [(one.queue, one.ready, one.oldest_wait > 0) for one in told] == [
            ("mail", 1, True),
            ("reports", 0, False),
        ]

    def test_counts_stop_where_they_are_told_to(self, store, now):
        many_jobs(4, state="ready", queue="q")
        for _ in range(4):
            make_job(JobState.DEAD, queue="q", finished_at=now)

        health = store.health(count_limit=3)

        assert (health.queues[0].ready, health.dead_last_hour, health.count_limit) == (3, 3, 3)

    def test_a_pause_is_told_while_it_lasts(self, store, now):
        for name in ("paused", "until_later", "over", "open"):
            make_job(queue=name)
        store.pause_queue("paused")
        store.pause_queue("until_later", until=now + HOUR)
        store.pause_queue("over", until=now - HOUR)
        QueueRecord.objects.create(name="open")

        paused = {one.queue for one in store.health().queues if one.is_paused}

        assert paused == {"paused", "until_later"}

    def test_workers_are_those_whose_lease_holds(self, store):
        living, lapsed, stopped = (register_worker(store) for _ in range(3))
        WorkerRecord.objects.filter(pk=living).update(heartbeat_at=Now() - 7 * SECOND)
        WorkerRecord.objects.filter(pk=lapsed).update(lease_expires_at=Now() - SECOND)
        store.deregister_worker(stopped)

        health = store.health()

        assert health.workers == 1
        assert health.oldest_heartbeat == pytest.approx(7, abs=3)

    def test_of_several_heartbeats_the_oldest_counts(self, store):
        for seconds in (7, 1, 4):
            worker = register_worker(store)
            WorkerRecord.objects.filter(pk=worker).update(heartbeat_at=Now() - seconds * MINUTE)

        assert store.health().oldest_heartbeat == pytest.approx(420, abs=20)

    def test_what_lies_ahead_of_the_clock_is_no_time_ago(self, store, now):
        WorkerRecord.objects.filter(pk=register_worker(store)).update(heartbeat_at=Now() + HOUR)
        make_job(queue="q", ready_at=now + HOUR)

        health = store.health()

        assert (health.oldest_heartbeat, health.queues[0].oldest_wait) == (0.0, 0.0)

    def test_without_a_worker_there_is_no_heartbeat(self, store):
        health = store.health()

        assert (health.workers, health.oldest_heartbeat) == (0, None)

    def test_only_workers_that_serve_a_queue_count_for_it(self, store):
        register_worker(store)  # serves `default`
        everything = WorkerRecord.objects.create(id=uuid4(), lease_expires_at=Now() + HOUR)

        assert store.health(["default", "mail"]).workers == 2
        assert store.health(["mail"]).workers == 1
        everything.delete()
        assert store.health(["mail"]).workers == 0

    def test_dead_letters_count_for_an_hour(self, store, now):
        make_job(JobState.DEAD, queue="mail", finished_at=now - 59 * MINUTE)
        make_job(JobState.DEAD, queue="reports", finished_at=now - MINUTE)
        make_job(JobState.DEAD, queue="mail", finished_at=now - 61 * MINUTE)

        assert store.health().dead_last_hour == 2
        assert store.health(["mail"]).dead_last_hour == 1

    def test_it_is_the_same_on_a_site_that_uses_naive_times(self, store, settings):
        settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"
        register_worker(store)
        make_job()
        make_job(JobState.DEAD, finished_at=Now())

        health = store.health()

        assert (health.workers, health.dead_last_hour) == (1, 1)
        assert health.oldest_heartbeat < 20
        assert health.queues[0].oldest_wait < 20

    @pytest.mark.sqlite
    def test_a_text_that_is_no_time_is_no_time_ago(self, store):
        make_job(queue="mail")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_job SET ready_at = 'no time'")

        assert store.health(["mail"]).queues[0].oldest_wait == 0.0

    @pytest.mark.postgresql
    def test_an_impossible_date_of_one_job_hides_no_other(self, store):
        make_job(queue="mail", priority=1)
        make_job(queue="mail", ready_at=LONG_AGO)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_job SET ready_at = '-infinity' WHERE priority = 1")

        [mail] = store.health().queues

        assert mail.ready == 2
        assert 0 < mail.oldest_wait < float("inf")


class TestReading:
    def test_reads_in_time_are_left_alone(self, store):
        make_job()

        with store.reading(at_most=HOUR):
            assert store.queue_stats("default").ready == 1

    @pytest.mark.postgresql
    def test_a_read_that_takes_too_long_is_ended_and_told_as_such(self, store):
        with (
            table_locked("jobqueue_job"),
            pytest.raises(ReadTooSlow, match=r"longer than 0\.02 s"),
            store.reading(at_most=SECOND / 50),
        ):
            store.queue_stats("default")

        assert store.queue_stats("default").ready == 0

    @pytest.mark.postgresql
    def test_other_errors_stay_what_they_are(self, store):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = 20")
        with (
            table_locked("jobqueue_job"),
            pytest.raises(OperationalError, match="lock timeout"),
            store.reading(at_most=MINUTE),
        ):
            store.queue_stats("default")

    @pytest.mark.postgresql
    def test_the_limit_ends_with_the_block_in_a_transaction_too(self, store):
        with transaction.atomic(), store.reading(at_most=SECOND):
            assert statement_timeout() == "1s"
        assert statement_timeout() == "0"

    @pytest.mark.postgresql
    @pytest.mark.parametrize("given", ["250ms", "0"])
    def test_where_there_is_no_limit_that_of_the_site_stays(self, store, given):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [given])
            cursor.execute(sql.load("postgresql", "limit_statements"), {"milliseconds": 0})

        assert statement_timeout() == given

    @pytest.mark.postgresql
    @pytest.mark.parametrize(
        ("given", "holds"),
        [("250ms", "250ms"), ("30s", "30s"), ("1h", "1min"), ("0", "1min")],
    )
    def test_a_lower_limit_of_the_site_stays(self, store, given, holds):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [given])
        with store.reading(at_most=MINUTE):
            assert statement_timeout() == holds
        assert statement_timeout() == given


def statement_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return cursor.fetchone()[0]
