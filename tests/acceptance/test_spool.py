"""The spool between processes: one keeps, one is killed as it flushes, one runs the job."""

import signal
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, Job
from django_jobqueue.store.spool import Kind, Spool
from tests.chaos.proxy import Proxy
from tests.outage import postgresql_socket

from .jobs import wait_for
from .processes import Deployment

pytestmark = pytest.mark.acceptance

ENQUEUE = "from tests.acceptance.jobs import work; print('spooled:', work.enqueue(7).spooled)"
#: Ends as a power cut would, when the commit is done and the entry is still in the spool.
FLUSH_AND_DIE = """
import os, signal
from django_jobqueue import conf
from django_jobqueue.events import events
from django_jobqueue.worker.flusher import flush_spool
def die(name, facts):
    if name == "job.enqueued":
        os.kill(os.getpid(), signal.SIGKILL)
events.subscribe(die)
flush_spool(conf.current())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def nowhere(folder: Path) -> str:
    return {
        "sqlite": f"sqlite:///{folder}/missing/site.sqlite3",
        "postgresql": f"postgresql://postgres@/postgres?host={folder}",
    }[connection.vendor]


def test_a_flush_that_is_killed_after_its_commit_runs_no_job_twice(
    deployment: Deployment, folder: Path
) -> None:
    spool = Spool(folder, using="default")
    site = deployment.run("shell", "-c", ENQUEUE, url=nowhere(folder), SPOOL=str(folder))
    assert "spooled: True" in site.output
    flush = deployment.run("shell", "-c", FLUSH_AND_DIE, SPOOL=str(folder))
    assert flush.status() == -signal.SIGKILL, flush.output
    assert (Job.objects.count(), len(spool.waiting(Kind.JOBS, limit=10))) == (1, 1)

    worker = deployment.run("runjobs", "--until-empty", SPOOL=str(folder))

    assert worker.status() == 0, worker.output
    assert deployment.journal == ["start 7", "end 7"]
    assert (ArchivedJob.objects.count(), Job.objects.count()) == (1, 0)
    assert spool.waiting(Kind.JOBS, limit=10) == []


@pytest.mark.postgresql
def test_what_a_child_could_not_write_is_written_by_the_next_worker(
    deployment: Deployment, folder: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    handle = wait_for.enqueue(str(gate))
    with ExitStack() as forwarding:
        proxy = forwarding.enter_context(Proxy(socket=postgresql_socket()))
        url = urlsplit(deployment.url)._replace(netloc=f"postgres@127.0.0.1:{proxy.port}", query="")
        worker = deployment.start(
            "runjobs", url=urlunsplit(url), SPOOL=str(folder), DRAIN=1, LEASE=60
        )
        assert deployment.has_noted("start waiting")
        forwarding.close()  # the database is away
        gate.touch()
        assert deployment.has_noted("end waiting")
        worker.send(signal.SIGTERM)
        assert worker.status() == 0, worker.output
    assert "outcomes.spooled" in worker.output
    assert handle.refresh().state == JobState.RUNNING

    flush = deployment.run("jobqueue", "flush-spool", SPOOL=str(folder))

    assert "outcomes: 1 written, 0 of them stale" in flush.output
    assert handle.refresh().state == JobState.SUCCEEDED
    assert deployment.journal == ["start waiting", "end waiting"]
