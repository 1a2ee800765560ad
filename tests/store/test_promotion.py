"""What a promotion tells of where the next may begin, and what it leaves when it begins there."""

from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.store import store_for

from .helpers import make_job, without_indexes

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def due_before(*hours: int, queue: str = "default") -> None:
    for number in hours:
        make_job(JobState.SCHEDULED, run_at=NOON - number * HOUR, queue=queue)


def left() -> list[datetime | None]:
    return list(Job.objects.filter(state="scheduled").values_list("run_at", flat=True))


def test_it_begins_at_the_moment_it_is_told() -> None:
    due_before(3, 2, 1)

    assert store_for("default").promote(since=NOON - 2 * HOUR, now=NOON).count == 2
    assert left() == [NOON - 3 * HOUR]
    assert store_for("default").promote(now=NOON).count == 1


def test_the_next_may_begin_at_the_last_that_it_found() -> None:
    due_before(4, 2, 3)
    for hours, queue in ((5, "a"), (1, "b"), (6, "c")):
        due_before(hours, queue=queue)
    store = store_for("default")

    assert store.promote(now=NOON - HOUR / 2).up_to == NOON - HOUR
    due_before(4, 2, 3)
    assert store.promote(now=NOON).up_to == NOON - 2 * HOUR


def test_the_earliest_come_first_however_they_lie() -> None:
    without_indexes()
    due_before(1, 3, 2)

    assert store_for("default").promote(limit=2, now=NOON).up_to == NOON - 2 * HOUR
    assert left() == [NOON - HOUR]
