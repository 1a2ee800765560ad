"""Databases that refuse for a while, and clocks that are wrong."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from freezegun import freeze_time

from django_jobqueue.core.states import JobState
from django_jobqueue.models import DeadJob, Job
from tests.worker.bench import Bench
from tests.worker.site import COMMITTED, Site

pytestmark = COMMITTED


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A pump on a connection of its own, whose session the test may set."""
    from django_jobqueue.store.postgresql import PostgreSQLStore
    from django_jobqueue.store.sessions import PsycopgSession

    session = PsycopgSession("default")
    yield Bench(store=PostgreSQLStore("default", session=session))
    session.close()


def set_session(bench: Bench, statement: str) -> None:
    bench.store.session.connection.execute(statement)  # type: ignore[attr-defined]


def pass_the_retry(bench: Bench) -> None:
    bench.time.passes(bench.pump.rest() + 0.001)
    bench.pump.tick()


@pytest.mark.postgresql
class TestReadOnly:
    """As a replica is, or a primary after a failover."""

    def test_nothing_is_claimed_and_no_job_fails(self, bench: Bench) -> None:
        job_id = bench.enqueue()
        set_session(bench, "SET default_transaction_read_only = on")

        assert bench.pump.tick() == 0
        assert (bench.running, bench.state_of(job_id)) == ([], JobState.READY)
        assert bench.told.names == ["pump.database_failed"]
        set_session(bench, "SET default_transaction_read_only = off")
        pass_the_retry(bench)

        assert bench.running == [job_id]

    def test_what_ended_meanwhile_is_written_once_it_can_be(self, bench: Bench) -> None:
        job_id = bench.enqueue()
        bench.pump.tick()
        bench.end_all()
        set_session(bench, "SET default_transaction_read_only = on")

        bench.pump.tick()
        assert bench.state_of(job_id) == JobState.RUNNING
        set_session(bench, "SET default_transaction_read_only = off")
        pass_the_retry(bench)

        assert bench.state_of(job_id) == JobState.SUCCEEDED
        assert not DeadJob.objects.exists()


@pytest.mark.postgresql
@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
def test_a_claim_that_is_ended_by_a_timeout_takes_nothing_and_is_tried_again(
    bench: Bench, limit: str
) -> None:
    job_id = bench.enqueue()
    set_session(bench, f"SET {limit} = '20ms'")
    other = type(bench.store.session)("default")  # type: ignore[attr-defined]
    with other.atomic():
        other.rows("LOCK TABLE jobqueue_job IN EXCLUSIVE MODE", {})
        assert bench.pump.tick() == 0
    other.close()

    row = Job.objects.get()
    assert (row.state, row.attempt, row.claim_token) == (JobState.READY, 0, None)
    assert bench.told.names == ["pump.database_failed"]
    set_session(bench, f"SET {limit} = 0")
    pass_the_retry(bench)

    assert bench.running == [job_id]


@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_clock_is_wrong_runs_what_the_database_says_is_due(
    site: Site, hours: int
) -> None:
    runs = site.counted("work")
    due = site.declared["work"].enqueue()
    later = site.declared["work"].using(delay=1800).enqueue()

    with freeze_time(timedelta(hours=hours)):
        site.work()

    assert runs == ["work"]
    assert (due.refresh().state, later.refresh().state) == (
        JobState.SUCCEEDED,
        JobState.SCHEDULED,
    )
