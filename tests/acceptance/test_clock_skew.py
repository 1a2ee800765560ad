"""Workers on hosts whose clocks are an hour off, in one direction and in the other."""

import re
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from django_jobqueue import JobState
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import WorkerRecord
from tests import faketime
from tests.chaos.trees import children_of
from tests.debian import needs

from .jobs import work
from .processes import PATIENCE, QUICK, Deployment, Process, within

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.postgresql,  # SQLite has no clock but that of its one host
    needs("faketime"),
]

HOURS = (1, -1)
SEVERAL_LEASES = timedelta(seconds=3 * QUICK["LEASE"])
_AHEAD = re.compile(r"worker\.clock_differs .*seconds_ahead_of_database=(-?[\d.]+)")


@pytest.fixture
def workers(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    """One that is ahead, and one that is behind."""
    started = []
    for hours in HOURS:
        with monkeypatch.context() as environment:
            for name, value in faketime.clock_off_by(hours=hours).items():
                environment.setenv(name, value)
            started.append(deployment.worker("--concurrency", "1"))
    yield started
    pids = {process.pid for process in started}
    pids |= children_of(pids)
    for process in started:
        process.kill_with_children()
    faketime.clean_up_after(pids)


def test_nothing_is_due_too_early_or_too_late_and_nobody_loses_a_lease(
    workers: list[Process],
) -> None:
    in_half_an_hour = work.using(delay=1800).enqueue(1)
    assert within(PATIENCE, lambda: WorkerRecord.objects.filter(state="alive").count() == 2)
    first = max(WorkerRecord.objects.values_list("lease_expires_at", flat=True))

    soon = [work.using(delay=0.3).enqueue(number) for number in range(20)]
    assert [one.wait(PATIENCE).state for one in soon] == [JobState.SUCCEEDED] * len(soon)

    renewed = WorkerRecord.objects.filter(lease_expires_at__gt=first + SEVERAL_LEASES)
    assert within(PATIENCE, lambda: renewed.count() == 2)
    assert {row.state for row in WorkerRecord.objects.all()} == {WorkerState.ALIVE}
    assert in_half_an_hour.refresh().state == JobState.SCHEDULED
    for worker in workers:
        assert "worker.declared_dead" not in worker.output
        assert "worker.reaped" not in worker.output


def test_each_says_by_how_much_its_clock_is_off(workers: list[Process]) -> None:
    for hours, worker in zip(HOURS, workers, strict=True):
        assert worker.says("worker.clock_differs")
        [ahead, *_] = _AHEAD.findall(worker.output)
        assert float(ahead) == pytest.approx(hours * 3600, abs=5)


def test_each_stops_when_it_is_asked_to(workers: list[Process]) -> None:
    assert within(PATIENCE, lambda: WorkerRecord.objects.filter(state="alive").count() == 2)

    for worker in workers:
        worker.send(signal.SIGTERM)

    assert [worker.status() for worker in workers] == [0, 0]
