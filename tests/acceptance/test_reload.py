"""`runjobs --reload`: what a developer changes is what runs next."""

import os

import pytest

from django_jobqueue import JobState
from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import ArchivedJob
from django_jobqueue.store import store_for

from .jobs import wait_for
from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance


class App:
    """An app of the site, with a handler whose source the test changes."""

    def __init__(self, deployment: Deployment) -> None:
        self._module = deployment.folder / "changing" / "jobs.py"
        self._module.parent.mkdir()
        self._module.with_name("__init__.py").touch()
        self._changes = 0
        deployment.environment |= {
            "PYTHONPATH": str(deployment.folder),
            "JOBQUEUE_APPS": "changing",
        }

    def answers(self, answer: str) -> None:
        self.is_written(
            "from django_jobqueue import job\n"
            f"@job(name='changing.tell')\ndef tell():\n    return {answer!r}\n"
        )

    def is_written(self, source: str) -> None:
        self._module.write_text(source)
        self._changes += 1  # clocks of files are coarse
        moment = self._module.stat().st_mtime + self._changes
        os.utime(self._module, (moment, moment))

    def answer(self) -> str:
        job_id = store_for("default").insert(NewJob(handler="changing.tell")).id
        found = ArchivedJob.objects.filter(pk=job_id)
        assert within(PATIENCE, found.exists)
        return str(found.get().result)


@pytest.fixture
def app(deployment: Deployment) -> App:
    return App(deployment)


def test_the_next_job_runs_the_new_source_and_what_runs_already_may_end(
    deployment: Deployment, app: App
) -> None:
    app.answers("before")
    worker = deployment.worker("--reload", "--concurrency", "2")
    assert app.answer() == "before"
    gate = deployment.folder / "gate"
    running = wait_for.enqueue(str(gate))
    assert deployment.has_noted("start waiting")

    app.answers("after")
    assert worker.says("worker.reloads")
    assert within(PATIENCE, lambda: len(worker.children) == 2)
    assert worker.says("child.retires")

    assert app.answer() == "after"
    gate.touch()
    assert running.wait(PATIENCE).state == JobState.SUCCEEDED
    assert (running.snapshot.attempt, deployment.journal.count("start waiting")) == (1, 1)


def test_source_that_cannot_be_imported_is_waited_for(deployment: Deployment, app: App) -> None:
    app.answers("before")
    worker = deployment.worker("--reload")
    assert app.answer() == "before"

    app.is_written("def half_a_line(")
    assert worker.says("child.died")
    app.answers("after")

    assert app.answer() == "after"
    assert not worker.has_ended


def test_it_needs_children(deployment: Deployment) -> None:
    worker = deployment.run("runjobs", "--reload", "--processes", "0")

    assert worker.status() == 2
    assert "let there be --processes" in worker.output
