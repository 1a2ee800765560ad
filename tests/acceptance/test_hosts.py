"""Two hosts with a network between them and the database, and a cable that is pulled out."""

import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command

from django_jobqueue import JobHandle, JobState
from django_jobqueue.core.states import WorkerState
from django_jobqueue.jobs.enqueueing import Enqueuer
from django_jobqueue.models import ArchivedJob, Job, WorkerRecord
from example_project.databases import database_from_url
from tests.debian import needs
from tests.networks import ADDRESSES, Host, joined_hosts, own_network, refusal
from tests.outage import pointed_at
from tests.postgresql_server import postgresql_server

from .jobs import hold, hold_a_row, work
from .processes import PATIENCE, Deployment, Process, within

pytestmark = [pytest.mark.acceptance, pytest.mark.postgresql, needs("iproute2")]

JOBS = 200
#: What docs/operations.md advises, in seconds that a test can wait for. Nothing is asked of who has
#: not yet acknowledged an answer: for that there is the last.
ASKS_SOON = (
    "-c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2"
    " -c tcp_user_timeout=3000"
)
#: The worker's side too: else it asks a session that is gone again after ever longer pauses.
NOTICED_SOON = {"options": ASKS_SOON, "tcp_user_timeout": "3000"}


class Site:
    """A worker on each host, of one job at a time."""

    def __init__(self, deployment: Deployment, *, hosts: Sequence[Host], gates: Path) -> None:
        self.hosts = {host.name: host for host in hosts}
        self.deployment, self._gates = deployment, gates
        gates.mkdir()
        self.workers = {name: self._worker_on(host) for name, host in self.hosts.items()}
        assert within(PATIENCE, lambda: set(alive_hosts()) == self.hosts.keys())

    def _worker_on(self, host: Host) -> Process:
        with host.inside():
            url = f"{host.url(self.deployment.url)}?{urlencode(NOTICED_SOON)}"
            return self.deployment.worker("--concurrency", "1", url=url)

    def hold(self, handler: Enqueuer[[str]] = hold) -> JobHandle:
        """Enqueue a job that runs until the gate of its host is open."""
        return handler.enqueue(str(self._gates))

    def first_start(self) -> tuple[str, str]:
        """Wait for it; return the name of its host, and of the other."""
        assert within(PATIENCE, lambda: self.deployment.journal)
        [line] = self.deployment.journal
        first = line.removeprefix("start on ")
        [other] = self.hosts.keys() - {first}
        return first, other

    def open_gate(self, name: str) -> None:
        (self._gates / name).touch()

    def has_noted(self, *lines: str) -> bool:
        return self.deployment.has_noted(*lines)


@pytest.fixture
def site(transactional_db: None, tmp_path: Path) -> Iterator[Site]:
    if reason := refusal():
        pytest.skip(reason)
    with own_network(), postgresql_server(admitted=ADDRESSES) as url:
        server = {name: told for name, told in database_from_url(url).items() if name != "ENGINE"}
        with pointed_at(**server), joined_hosts("alpha", "beta") as hosts:
            call_command("migrate", verbosity=0)
            deployment = Deployment(url=url, folder=tmp_path)
            try:
                yield Site(deployment, hosts=hosts, gates=tmp_path / "gates")
            finally:
                for process in deployment.processes:
                    process.kill_with_children()


def alive_hosts() -> list[str]:
    alive = WorkerRecord.objects.filter(state=WorkerState.ALIVE)
    return list(alive.values_list("host", flat=True))


def test_both_hosts_work_on_one_queue_and_run_each_job_once(site: Site) -> None:
    held = [site.hold(), site.hold()]
    assert site.has_noted("start on alpha", "start on beta")
    many = work.enqueue_many([{"number": number} for number in range(JOBS)])

    for name in site.hosts:
        site.open_gate(name)

    assert {handle.wait(PATIENCE).result for handle in held} == {"alpha", "beta"}
    assert within(PATIENCE, lambda: ArchivedJob.objects.count() == JOBS + len(held))
    starts = [line for line in site.deployment.journal if line.startswith("start")]
    assert len(starts) == len(set(starts)) == JOBS + len(held)
    ended = ArchivedJob.objects.filter(pk__in=[handle.id for handle in many], attempt=1)
    assert sorted(ended.values_list("result", flat=True)) == list(range(JOBS))


def test_a_host_that_is_cut_off_loses_no_job_and_changes_none_and_works_on_afterwards(
    site: Site,
) -> None:
    handle = site.hold()
    lost, other = site.first_start()
    first = Job.objects.get().claim_token

    site.hosts[lost].unplug()
    assert site.has_noted(f"start on {other}"), "the other host has rescued the job"
    second = Job.objects.get().claim_token
    assert second not in (None, first)
    site.open_gate(lost)
    assert site.has_noted(f"end on {lost}")

    site.hosts[lost].plug_in()
    assert site.workers[lost].says("job.finish_was_stale")
    assert site.workers[lost].says("worker.declared_dead")
    row = Job.objects.get()
    assert (row.state, row.claim_token) == (JobState.RUNNING, second)
    assert within(PATIENCE, lambda: set(alive_hosts()) == site.hosts.keys())

    site.open_gate(other)
    assert handle.wait(PATIENCE).result == other
    assert ArchivedJob.objects.get().claim_token == second
    site.workers[other].send(signal.SIGTERM)
    assert site.workers[other].status() == 0
    assert site.hold().wait(PATIENCE).result == lost


def test_rows_that_a_host_had_locked_are_free_once_the_server_has_missed_it(site: Site) -> None:
    expires = datetime.max.replace(tzinfo=UTC)
    Session.objects.create(session_key="shared", session_data="", expire_date=expires)
    handle = site.hold(hold_a_row)
    lost, other = site.first_start()

    site.hosts[lost].unplug()
    site.open_gate(other)

    assert handle.wait(PATIENCE).result == other
    assert Session.objects.get().session_data == other
