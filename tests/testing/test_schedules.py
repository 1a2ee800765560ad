from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue.testing import QueueClock, declare_schedules, run_jobs

from .jobs import told

NOON = datetime(2031, 3, 1, 12, tzinfo=UTC)
NIGHTLY = {"SCHEDULES": {"nightly": {"handler": "testing.nightly", "cron": "0 3 * * *"}}}


@pytest.mark.django_db
@pytest.mark.parametrize("is_declared", [True, False])
def test_a_declared_schedule_fires_once_it_was_taken_in(settings, is_declared: bool) -> None:
    told.clear()
    settings.JOBQUEUE = NIGHTLY

    with QueueClock(NOON):
        if is_declared:
            declare_schedules()
        run_jobs(queue="default", until=timedelta(days=2), limit=2)

    assert told == (["nightly"] * 2 if is_declared else [])
