"""`manage.py jobqueue health`, as a probe runs it."""

from pathlib import Path

import pytest
from django.db import connection

from django_jobqueue.models import WorkerRecord

from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance


def test_its_exit_status_follows_the_worker(deployment: Deployment) -> None:
    before = deployment.run("jobqueue", "health")
    deployment.worker()
    assert within(PATIENCE, lambda: WorkerRecord.objects.exists())
    after = deployment.run("jobqueue", "health", "--max-age", "60", "--format", "json")

    assert (before.status(), before.output.splitlines()[-1]) == (1, "unhealthy")
    assert after.status() == 0, after.output
    assert '"healthy":true' in after.output


def test_a_database_that_cannot_be_reached_has_a_status_of_its_own(
    deployment: Deployment, tmp_path: Path
) -> None:
    nowhere = {
        "sqlite": f"sqlite:///{tmp_path}/missing/site.sqlite3",
        "postgresql": f"postgresql://postgres@/postgres?host={tmp_path}",
    }[connection.vendor]

    probe = deployment.start(
        "jobqueue", "health", "--settings", "tests.acceptance.settings", url=nowhere
    )

    assert probe.status() == 3
    assert "the database 'default' does not answer" in probe.output
    assert "Traceback" not in probe.output
