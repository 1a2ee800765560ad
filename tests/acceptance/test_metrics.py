"""One /metrics for a supervisor and its children, in real processes."""

import os
import re
import signal
from urllib.request import urlopen

import pytest

from tests.observability.scraping import samples_of

from .jobs import work
from .processes import PATIENCE, Deployment, Process, within

pytestmark = pytest.mark.acceptance

JOBS = 25


def scraped(worker: Process) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    assert worker.says("probes.listening")
    [port] = re.findall(r"probes\.listening .*port=(\d+)", worker.output)
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        return samples_of(answer.read().decode())


def succeeded(worker: Process) -> float:
    samples = scraped(worker)
    return sum(
        number
        for (name, labels), number in samples.items()
        if name == "jobqueue_outcomes_total" and ("outcome", "succeeded") in labels
    )


def test_what_children_count_is_told_by_their_supervisor(deployment: Deployment) -> None:
    work.enqueue_many([[number] for number in range(JOBS)])
    worker = deployment.worker("--processes", "2", PROBES="127.0.0.1:0", METRICS=True)

    assert within(PATIENCE, lambda: succeeded(worker) == JOBS), worker.output
    polling = "jobqueue_processes", (("state", "polling"),)
    assert within(PATIENCE, lambda: scraped(worker)[polling] == 2)
    samples = scraped(worker)
    assert samples["jobqueue_claimed_total", ()] == JOBS
    assert samples["jobqueue_wait_seconds_count", (("queue", "default"),)] == JOBS


def test_what_a_child_has_counted_outlives_it(deployment: Deployment) -> None:
    work.enqueue_many([[number] for number in range(JOBS)])
    worker = deployment.worker("--processes", "1", PROBES="127.0.0.1:0", METRICS=True, LEASE=3600)
    assert within(PATIENCE, lambda: succeeded(worker) == JOBS), worker.output

    os.kill(worker.children[0], signal.SIGKILL)
    work.enqueue_many([[number] for number in range(JOBS)])

    assert within(PATIENCE, lambda: succeeded(worker) == 2 * JOBS), worker.output
    assert scraped(worker)["jobqueue_restarts_total", ()] == 1
