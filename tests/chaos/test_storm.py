"""A storm of a few seconds, the same faults at the same moments each time; `make chaos` is long."""

from pathlib import Path

import pytest
from django.db import connection

from tests.acceptance.processes import url_of_the_suite

from .storm import Ground, Plan, storm

SEED = 20
JOBS = 120


@pytest.mark.chaos
@pytest.mark.usefixtures("transactional_db")
def test_jobs_come_through_a_short_storm(tmp_path: Path) -> None:
    url = url_of_the_suite()
    # Whoever is stopped on SQLite may hold the one write lock.
    pauses = [{"pause_tree": 1}] if connection.vendor == "postgresql" else []
    kills = {"kill": 1, "kill_child": 2}
    groups = [kills, {"failpoint_kill": 2}, *pauses]
    plan = Plan(jobs=JOBS, seconds=6.0, groups=groups, processes=[1, 0], doomed=1, batches=2)
    ground = Ground(folder=tmp_path, workers=[{"DATABASE_URL": url}] * 2)

    report = storm(plan, ground, seed=SEED)

    assert report.passed, report.figures()
    assert (report.faults["kill"], report.faults["kill_child"]) == (1, 2)
    assert report.failpoints, "no worker came to a place where it was to be killed"
    assert report.verdict.doomed == 2
    assert report.verdict.transactional > 0
    assert report.verdict.limited > 0
    assert report.verdict.slots > 0
    assert report.verdict.batches == 2
    assert report.verdict.succeeded > 0.9 * JOBS, "some are rolled back by their producer"
    assert report.verdict.runs > report.verdict.jobs, "nothing was interrupted or retried"
