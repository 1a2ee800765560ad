"""JOBQUEUE itself."""

import pytest
from django.test import override_settings

from django_jobqueue.checks import check_database, check_spool
from tests.jobs.recurring import report

from .sites import found, ids

assert report  # registered by the import


class TestE002:
    def test_jobqueue_e002_a_setting_that_cannot_be_right(self):
        [error] = found(CONCURENCY=3)

        assert error.id == "jobqueue.E002"
        assert "Did you mean 'CONCURRENCY'?" in error.msg

    def test_jobqueue_e002_an_alias_that_is_not_in_databases(self):
        [error] = found(DATABASE="elsewhere")

        assert error.id == "jobqueue.E002"
        assert "'elsewhere', which is not in DATABASES" in error.msg
        assert "default" in (error.hint or "")

    def test_jobqueue_e002_is_told_once_and_by_one_check(self):
        with override_settings(JOBQUEUE={"LEASE": "long"}):
            assert check_database() == check_spool() == []


class TestE003:
    def test_jobqueue_e003_a_service_that_is_no_service_task(self):
        error, other = found(SERVICES=["tests.worker.service_tasks.NoServiceTask", "nowhere"])

        assert error.id == other.id == "jobqueue.E003"
        assert "which is a class, but no ServiceTask" in error.msg
        assert "'nowhere', which cannot be imported" in other.msg

    def test_jobqueue_e003_is_found_without_making_the_task(self):
        assert found(SERVICES=["tests.worker.service_tasks.Failing"]) == []


class TestW002:
    @pytest.mark.parametrize("lease", [2, 10])
    def test_jobqueue_w002_a_lease_of_ten_seconds_or_less(self, lease: float):
        # Beside it, on SQLite, what is told of handlers that other tests have declared.
        said = found(LEASE=lease, HEARTBEAT_INTERVAL=0.5)
        [warning] = [one for one in said if one.id == "jobqueue.W002"]

        assert f"is {lease:g} s" in warning.msg

    def test_jobqueue_w002_is_not_told_of_a_longer_one(self):
        assert "jobqueue.W002" not in ids(found(LEASE=10.1, HEARTBEAT_INTERVAL=0.5))


class TestSchedules:
    @pytest.mark.parametrize("handler", ["gone", "tests.report"])
    def test_jobqueue_e005_a_declared_schedule_that_cannot_be(self, handler: str):
        [message] = found(SCHEDULES={"weekly": {"handler": handler, "cron": "0 7 * * 1"}})

        assert message.id == "jobqueue.E005"
        assert "JOBQUEUE['SCHEDULES']['weekly']" in message.msg

    def test_jobqueue_w004_a_time_zone_that_is_not_known_here(self):
        entry = {"handler": "tests.report", "kwargs": {"week": 1}, "cron": "0 7 * * 1"}
        [message] = found(SCHEDULES={"weekly": entry | {"timezone": "Mars/Olympus"}})

        assert message.id == "jobqueue.W004"
        assert "Mars/Olympus" in message.msg
        assert found(SCHEDULES={"weekly": entry | {"timezone": "Europe/Berlin"}}) == []

    def test_a_setting_that_is_no_dictionary_of_them_is_told_once(self):
        [message] = found(SCHEDULES=["weekly"])
        assert message.id == "jobqueue.E002"
