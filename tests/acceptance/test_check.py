"""`manage.py check --deploy --database default`, as a pipeline runs it."""

from pathlib import Path

import pytest
from django.db import connection

from .processes import Deployment, an_empty_database

pytestmark = pytest.mark.acceptance

CHECK = ("check", "--tag", "jobqueue", "--deploy", "--database", "default")


def test_a_site_that_is_well_passes_whatever_level_fails(deployment: Deployment) -> None:
    checked = deployment.run(*CHECK, "--fail-level", "WARNING", LEASE=30, HEARTBEAT_INTERVAL=5)

    assert checked.status() == 0, checked.output
    assert "System check identified no issues" in checked.output


def test_a_database_without_tables_or_that_is_away_ends_no_check(
    deployment: Deployment, tmp_path: Path
) -> None:
    deployment.settings = {}
    away = f"sqlite:///{tmp_path}/no/where.sqlite3"
    if connection.vendor == "postgresql":
        away = f"postgresql://nobody@/nothing?host={tmp_path}"

    with an_empty_database(tmp_path) as url:
        processes = [deployment.run(*CHECK, url=one) for one in (url, away)]

    for checked in processes:
        assert checked.status() == 0, checked.output
        assert "System check identified no issues" in checked.output


def test_what_is_unwise_fails_a_pipeline_that_asks_for_it(deployment: Deployment) -> None:
    unwise = {"LEASE": 30, "HEARTBEAT_INTERVAL": 5, "DRAIN": 60}

    told = deployment.run(*CHECK, **unwise)
    failed = deployment.run(*CHECK, "--fail-level", "WARNING", **unwise)

    assert (told.status(), failed.status()) == (0, 1), failed.output
    assert "(jobqueue.W012) JOBQUEUE['DRAIN'] is 60 s" in told.output
