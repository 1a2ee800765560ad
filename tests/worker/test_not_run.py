"""Jobs whose handler is not called, because it is not there or because the job may not run."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from freezegun import freeze_time

from django_jobqueue import DeathReason, JobHandle, JobState, Snooze
from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import Job
from django_jobqueue.store import store_for

from .site import COMMITTED, Site, the_attempt_of

pytestmark = COMMITTED

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ELEVEN_MINUTES = timedelta(minutes=11)
#: It is looked at again after a second, which may have passed.
WAITING = (JobState.SCHEDULED, JobState.READY)


def stored(handler: str, **fields: object) -> JobHandle:
    """A job as another process, or a hand, has left it in the table."""
    return JobHandle(Job.objects.create(handler=handler, **fields).pk)


class TestUnknownHandler:
    def test_it_waits_unspent_because_a_deploy_may_be_on_its_way(self, site: Site) -> None:
        handle = stored("shop.renamed")

        site.work()

        assert handle.state in WAITING
        assert handle.snapshot.attempt == 0
        assert (handle.snapshot.reprocess_count, handle.snapshot.rescues) == (0, 0)
        assert "no handler named 'shop.renamed'" in str(handle.error)
        assert the_attempt_of(handle).outcome == "released"

    def test_each_wait_is_about_as_long_as_all_before(self, site: Site) -> None:
        since = datetime.now(UTC) - timedelta(seconds=30)  # noqa: TID251 - a stored time
        handle = stored("shop.renamed", error=self.told(since))

        site.work()

        run_at = handle.refresh().snapshot.run_at
        assert run_at is not None
        wait = run_at - the_attempt_of(handle).ended_at
        assert wait.total_seconds() == pytest.approx(30, abs=5)

    def test_after_the_grace_it_is_a_dead_letter(self, site: Site) -> None:
        since = datetime.now(UTC) - ELEVEN_MINUTES  # noqa: TID251 - a stored time
        handle = stored("shop.renamed", error=self.told(since))

        site.work()

        assert handle.state == JobState.DEAD
        assert handle.snapshot.reason == DeathReason.HANDLER_MISSING
        assert "no handler registered" in str(handle.error)

    def test_the_grace_counts_from_the_first_look(self, site: Site) -> None:
        handle = stored("shop.renamed")

        site.work()
        first = json.dumps(handle.error)
        Job.objects.update(state="ready")
        site.work()

        assert json.dumps(handle.refresh().error) == first

    def test_it_is_the_time_of_the_database_that_counts(self, site: Site) -> None:
        handle = stored("shop.renamed")
        site.work()
        Job.objects.update(state="ready")

        with freeze_time(timedelta(days=1)):  # the clock of this worker is a day ahead
            site.work()

        assert handle.refresh().state in WAITING

    def test_a_job_that_ran_meanwhile_has_all_of_its_grace_again(self, site: Site) -> None:
        since = datetime.now(UTC) - ELEVEN_MINUTES  # noqa: TID251 - a stored time
        site.job(lambda: Snooze(delay=3600), name="shop.poll")
        handle = stored("shop.poll", error=self.told(since))
        site.work()
        assert handle.refresh().error is None

        Job.objects.update(state="ready", handler="shop.renamed")
        site.work()

        assert handle.refresh().state in WAITING

    def test_so_has_one_whose_worker_died_while_it_ran(self, site: Site) -> None:
        since = datetime.now(UTC) - ELEVEN_MINUTES  # noqa: TID251 - a stored time
        handle = stored("shop.renamed", error=self.told(since), reprocess_count=1, rescues=1)

        site.work_in_quarantine()

        assert handle.state in WAITING

    def test_a_success_is_no_error_because_it_had_to_wait_for_its_handler(self, site: Site) -> None:
        site.counted("shop.new")
        handle = stored("shop.new", error=self.told(LONG_AGO))

        site.work()

        assert (handle.state, handle.error) == (JobState.SUCCEEDED, None)

    def test_the_error_of_an_earlier_run_is_kept(self, site: Site) -> None:
        site.counted("shop.new")
        handle = stored("shop.new", error={"type": "ValueError", "message": "no"})

        site.work()

        assert handle.error == {"type": "ValueError", "message": "no"}

    def test_a_grace_of_nothing_buries_at_once(self, site: Site) -> None:
        handle = stored("shop.renamed")

        site.work(unknown_handler_grace=0)

        assert handle.snapshot.reason == DeathReason.HANDLER_MISSING

    @pytest.mark.parametrize(
        "error",
        [
            {"type": "HandlerNotRegistered"},
            {"type": "HandlerNotRegistered", "fields": {"since": 1, "reprocess_count": 0}},
            {"type": "HandlerNotRegistered", "fields": {"since": "0001", "reprocess_count": 0}},
            [],
            "text",
            {"type": 1, "fields": None},
        ],
    )
    def test_an_error_in_another_form_is_no_first_look(self, site: Site, error: object) -> None:
        handle = stored("shop.renamed", error=error)

        site.work()

        assert handle.state in WAITING

    def test_a_handler_that_was_renamed_serves_its_old_name(self, site: Site) -> None:
        @site.job(aliases=["shop.renamed"])
        def send() -> str:
            return "sent"

        handle = stored("shop.renamed")
        site.work()

        assert handle.result == "sent"

    def told(self, since: datetime) -> dict[str, object]:
        return {
            "type": "HandlerNotRegistered",
            "message": "no handler",
            "fields": {"since": since.isoformat(), "reprocess_count": 0},
        }


class TestExpired:
    def test_a_job_past_its_expiry_is_not_run(self, site: Site) -> None:
        runs = site.counted("remind")
        handle = stored("remind", expires_at=LONG_AGO)

        site.work()

        assert (runs, handle.snapshot.reason) == ([], DeathReason.EXPIRED)

    def test_a_job_before_its_expiry_is_run(self, site: Site) -> None:
        runs = site.counted("remind")
        stored("remind", expires_at=datetime(2100, 1, 1, tzinfo=UTC))

        site.work()

        assert runs == ["remind"]


class TestImpossibleTimes:
    """Rows that were edited by hand; what else cannot be read is told in tests/store."""

    def test_it_is_a_dead_letter_and_its_neighbours_run(self, site: Site) -> None:
        runs = site.counted("work")
        handles = [stored("work") for _ in range(3)]
        Job.objects.filter(pk=handles[1].id).update(ready_at=None)

        site.work()

        assert runs == ["work", "work"]
        assert handles[1].snapshot.reason == DeathReason.UNPROCESSABLE
        assert "its times cannot be read: ready_at N" in str(handles[1].error)
        assert [handles[0].state, handles[2].state] == [JobState.SUCCEEDED] * 2

    @pytest.mark.parametrize("column", ["created_at", "ready_at"])
    def test_a_time_beyond_all_years_is_one(self, site: Site, column: str) -> None:
        runs = site.counted("work")
        handles = [stored("work") for _ in range(3)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE jobqueue_job SET {column} = 'infinity' WHERE id = %s", [handles[1].id]
            )

        site.work()

        assert runs == ["work", "work"]
        assert handles[1].snapshot.reason == DeathReason.UNPROCESSABLE
        assert f"{column} infinity" in str(handles[1].error)


class TestArguments:
    @pytest.mark.parametrize(
        "payload",
        [
            {"args": [1, 2, 3], "kwargs": {}},
            {"args": ["text"], "kwargs": {}},
            {"args": [], "kwargs": {}},
            {"args": [1], "kwargs": {"renamed": 1}},
            {"kwargs": []},
            [],
            "text",
            7,
        ],
        ids=["many", "wrong type", "none", "renamed", "no shape", "list", "text", "number"],
    )
    def test_what_no_longer_binds_is_unprocessable_and_its_neighbours_run(
        self, site: Site, payload: object
    ) -> None:
        runs = []

        @site.job
        def double(number: int) -> int:
            runs.append(number)
            return number * 2

        before = double.enqueue(1)
        broken = stored("double", payload=payload)
        after = double.enqueue(2)
        site.work()

        assert (broken.state, broken.snapshot.reason) == (JobState.DEAD, DeathReason.UNPROCESSABLE)
        assert (before.result, after.result) == (2, 4)
        assert sorted(runs) == [1, 2]

    def test_an_own_backoff_that_cannot_be_read_gives_way_to_the_handlers(self, site: Site) -> None:
        @site.job
        def fail() -> None:
            raise ValueError

        handle = stored("fail", backoff={"kind": "lunar"})
        site.work()

        assert handle.state == JobState.SCHEDULED


def test_a_job_nobody_may_run_never_reaches_a_runner(site: Site) -> None:
    """It holds no slot: it is written as dead in the next round trip."""
    store_for("default").insert(NewJob(handler=f"missing.{uuid4()}"))

    site.work(unknown_handler_grace=0)

    assert site.told.names.count("job.dead") == 1
