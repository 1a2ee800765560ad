from datetime import timedelta
from typing import Any

import pytest

from django_jobqueue.core.health import (
    COUNT_LIMIT,
    Health,
    HealthCheck,
    QueueHealth,
    QueueStats,
    counted,
)

MINUTE = timedelta(minutes=1)


def a_queue(**said: Any) -> QueueHealth:
    return QueueHealth(
        **{"queue": "mail", "ready": 1, "oldest_wait": 1.0, "is_paused": False} | said
    )


def a_site(*queues: QueueHealth, **said: Any) -> Health:
    numbers = {"workers": 1, "oldest_heartbeat": 1.0, "dead_last_hour": 0}
    return Health(queues=queues, **{"count_limit": COUNT_LIMIT} | numbers | said)


def test_a_site_with_a_living_worker_is_healthy_unless_more_is_expected():
    site = a_site(a_queue(ready=COUNT_LIMIT, oldest_wait=1e9), dead_last_hour=COUNT_LIMIT)

    assert HealthCheck().complaints(site) == ()


def test_a_site_without_a_worker_is_not_healthy():
    site = a_site(workers=0, oldest_heartbeat=None)

    assert HealthCheck().complaints(site) == ("no worker is alive",)


@pytest.mark.parametrize(("oldest_wait", "complains"), [(0.0, False), (60.0, False), (60.1, True)])
def test_a_job_that_waits_for_too_long_is_told(oldest_wait: float, complains: bool):
    site = a_site(a_queue(oldest_wait=oldest_wait))

    assert bool(HealthCheck(max_age=MINUTE).complaints(site)) is complains


@pytest.mark.parametrize(("ready", "complains"), [(0, False), (5, False), (6, True)])
def test_a_backlog_that_is_too_long_is_told(ready: int, complains: bool):
    site = a_site(a_queue(ready=ready))

    assert bool(HealthCheck(max_backlog=5).complaints(site)) is complains


def test_every_complaint_names_its_queue_and_its_number():
    site = a_site(a_queue(oldest_wait=61.4), a_queue(queue="two\nlines", ready=COUNT_LIMIT))

    assert HealthCheck(max_age=MINUTE, max_backlog=5).complaints(site) == (
        "queue 'mail': its first job has been ready for 61 s",
        "queue 'two\\nlines': 10,000+ jobs are ready",
    )


def test_a_backlog_beyond_the_usual_count_is_told_by_its_own():
    site = a_site(a_queue(ready=20_000), count_limit=30_000)

    assert HealthCheck(max_backlog=15_000).complaints(site) == (
        "queue 'mail': 20,000 jobs are ready",
    )


def test_a_queue_that_is_paused_is_not_judged():
    site = a_site(a_queue(ready=9, oldest_wait=9e9, is_paused=True))

    assert HealthCheck(max_age=MINUTE, max_backlog=5).complaints(site) == ()


@pytest.mark.parametrize(
    ("max_backlog", "limit"),
    [(None, COUNT_LIMIT), (0, COUNT_LIMIT), (COUNT_LIMIT, COUNT_LIMIT + 1), (10**6, 10**6 + 1)],
)
def test_it_is_counted_far_enough_to_see_a_backlog_that_is_too_long(max_backlog, limit):
    assert HealthCheck(max_backlog=max_backlog).count_limit == limit


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (9_999, "9,999"), (10_000, "10,000+"), (10_001, "10,000+")]
)
def test_a_count_says_where_it_stopped(count: int, text: str):
    assert counted(count) == text


def test_throughput_is_told_by_the_second():
    stats = QueueStats(
        queue="mail",
        ready=0,
        scheduled=0,
        blocked=0,
        running=0,
        dead=0,
        oldest_wait=0.0,
        finished_last_minute=90,
        paused_at=None,
        paused_until=None,
        pause_reason="",
    )

    assert stats.throughput == 1.5
