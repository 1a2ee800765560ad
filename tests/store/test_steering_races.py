"""What operators and janitors do beside somebody who holds the rows that they mean."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from django_jobqueue.core.specs import Cancelled, JobFilter, Retention
from django_jobqueue.core.states import JobState
from django_jobqueue.models import DeadJob, Job
from django_jobqueue.store import store_for
from django_jobqueue.store.sessions import PsycopgSession

from .helpers import LONG_AGO, make_job
from .test_schedule_races import after, other_thread

__all__ = ["other_thread"]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

DAY = timedelta(days=1)


@pytest.fixture
def held_and_free() -> Iterator[tuple[int, int]]:
    """Two dead letters, the first of which another transaction holds."""
    held, free = (make_job(JobState.DEAD, queue="q", finished_at=LONG_AGO).pk for _ in range(2))
    session = PsycopgSession("default", prepared=False)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '5s'")  # to wait is to fail
    try:
        with session.atomic():
            session.rows(
                "SELECT id FROM jobqueue_deadjob WHERE id = %(id)s FOR UPDATE", {"id": held}
            )
            yield held, free
    finally:
        session.close()
        connection.close()


def dead() -> list[int]:
    return list(DeadJob.objects.values_list("pk", flat=True))


def test_a_requeue_passes_over_what_is_held(held_and_free: tuple[int, int]) -> None:
    held, free = held_and_free

    assert store_for("default").requeue(JobFilter(queue="q")) == ([free], [])
    assert dead() == [held]


@pytest.mark.parametrize("verb", ["discard_dead", "prune"])
def test_so_does_what_removes_dead_letters(held_and_free: tuple[int, int], verb: str) -> None:
    held, _ = held_and_free
    store: Any = store_for("default")
    what = JobFilter(queue="q") if verb == "discard_dead" else Retention(archive=DAY, dead=DAY)

    getattr(store, verb)(what)

    assert dead() == [held]


@pytest.mark.parametrize("verb", ["cancel", "run_now"])
def test_what_steers_a_job_waits_for_who_is_at_work_on_it(
    other_thread: ThreadPoolExecutor, verb: str
) -> None:
    job = make_job(JobState.SCHEDULED)
    steer = getattr(store_for("default"), verb)

    answer = after(
        lambda: Job.objects.filter(pk=job.pk).update(priority=7),
        other_thread,
        lambda: steer(JobFilter(ids=(job.pk,))),
    )

    assert answer == (Cancelled(cancelled=1) if verb == "cancel" else 1)
