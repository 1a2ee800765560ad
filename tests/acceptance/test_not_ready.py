"""A worker whose database is not ready: it says what it waits for, and gives up with status 3."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from django_jobqueue.core.states import JobState

from .jobs import work
from .processes import Deployment, an_empty_database

pytestmark = pytest.mark.acceptance

NOT_READY = 3


@pytest.fixture
def empty(deployment: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """The same site before its first migration."""
    with an_empty_database(tmp_path) as url:
        deployment.url = url
        yield deployment
        for process in deployment.processes:
            process.kill()


def test_until_empty_does_not_wait_for_migrations(empty: Deployment) -> None:
    worker = empty.run("runjobs", "--until-empty", PRECONDITION_TIMEOUT=600)

    assert worker.status() == NOT_READY
    [line] = [one for one in worker.output.splitlines() if "CommandError" in one]
    assert "migrations are not applied" in line
    assert "0001_initial" in line
    assert "manage.py migrate" in line
    assert "Traceback" not in worker.output


def test_it_says_what_it_waits_for_and_then_gives_up(empty: Deployment) -> None:
    worker = empty.run("runjobs", PRECONDITION_TIMEOUT=0.6)

    assert worker.status() == NOT_READY
    assert "worker.waits" in worker.output
    assert "migrations are not applied" in worker.output.split("CommandError")[0]


def test_it_starts_once_the_migration_has_run(empty: Deployment) -> None:
    worker = empty.worker(PRECONDITION_TIMEOUT=60)
    assert worker.says("migrations are not applied")

    assert empty.run("migrate", "--verbosity", "0").status() == 0
    # From a process on that database: this one is on the suite's.
    enqueue = "from tests.acceptance.jobs import work; work.enqueue(7)"
    assert empty.run("shell", "-c", enqueue).status() == 0

    assert empty.has_noted("end 7")


def test_a_database_that_cannot_be_reached_is_told_in_one_sentence(
    deployment: Deployment, tmp_path: Path
) -> None:
    nowhere = {
        "sqlite": f"sqlite:///{tmp_path}/missing/site.sqlite3",
        "postgresql": f"postgresql://postgres@/postgres?host={tmp_path}",
    }[connection.vendor]

    worker = deployment.start("runjobs", "--until-empty", url=nowhere)

    assert worker.status() == NOT_READY
    assert "the database 'default' cannot be reached" in worker.output
    assert "Traceback" not in worker.output


def test_a_ready_database_keeps_nobody_waiting(deployment: Deployment) -> None:
    handle = work.enqueue(1)

    worker = deployment.run("runjobs", "--until-empty")

    assert worker.status() == 0, worker.output
    assert handle.refresh().state == JobState.SUCCEEDED
