"""Probes of a real worker, asked over HTTP."""

import os
import re
import signal
import socket
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from .jobs import wait_for, work
from .processes import PATIENCE, Deployment, Process, within

pytestmark = pytest.mark.acceptance

ANY_PORT = "127.0.0.1:0"


def ask(worker: Process, path: str) -> tuple[int, str]:
    assert worker.says("probes.listening")
    [port] = re.findall(r"probes\.listening .*port=(\d+)", worker.output)
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def is_ready(worker: Process) -> bool:
    return within(PATIENCE, lambda: ask(worker, "/readyz") == (200, "ready\n"))


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_worker_is_ready_once_it_looks_for_jobs(deployment: Deployment, processes: str) -> None:
    worker = deployment.worker(
        "--processes",
        processes,
        "--probes",
        ANY_PORT,
        SERVICES=["tests.acceptance.services.GateIsOpen"],
    )
    assert ask(worker, "/livez") == (200, "alive\n")
    assert deployment.has_noted("looked 20 times")
    assert ask(worker, "/readyz") == (503, "not ready: preconditions do not hold\n")

    (deployment.folder / "gate").touch()

    assert is_ready(worker), worker.output
    polling = f'jobqueue_processes{{state="polling"}} {processes.replace("0", "1")}\n'
    assert within(PATIENCE, lambda: polling in ask(worker, "/metrics")[1])
    text = ask(worker, "/metrics")[1]
    assert "jobqueue_ready 1\n" in text
    assert re.search(r"^jobqueue_heartbeat_age_seconds \d\.\d{3}$", text, re.MULTILINE)


def test_a_child_that_dies_is_counted_and_missed(deployment: Deployment) -> None:
    worker = deployment.worker(PROBES=ANY_PORT, LEASE=3600)
    assert is_ready(worker)
    assert "jobqueue_restarts_total 0\n" in ask(worker, "/metrics")[1]

    os.kill(worker.children[0], signal.SIGKILL)

    assert within(PATIENCE, lambda: "jobqueue_restarts_total 1\n" in ask(worker, "/metrics")[1])
    assert is_ready(worker), worker.output


def test_a_worker_that_drains_is_alive_but_not_ready(deployment: Deployment) -> None:
    gate = deployment.folder / "gate"
    wait_for.enqueue(str(gate))
    worker = deployment.worker("--probes", ANY_PORT, DRAIN=60)
    assert deployment.has_noted("start waiting")
    assert is_ready(worker)

    worker.send(signal.SIGTERM)

    assert within(PATIENCE, lambda: ask(worker, "/readyz") == (503, "not ready: stopping\n"))
    assert ask(worker, "/livez") == (200, "alive\n")
    gate.touch()
    assert worker.status() == 0, worker.output


def test_without_an_address_nobody_listens(deployment: Deployment) -> None:
    work.enqueue(1)
    worker = deployment.run("runjobs", "--until-empty")

    assert worker.status() == 0
    assert "probes.listening" not in worker.output


def test_a_port_that_is_taken_is_told_in_one_sentence(deployment: Deployment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        worker = deployment.run("runjobs", "--probes", address)

    assert worker.status() == 1
    assert f"cannot listen on {address}: Address already in use" in worker.output
    assert "Traceback" not in worker.output
    assert "child.started" not in worker.output


def test_an_address_that_cannot_be_right_is_refused(deployment: Deployment) -> None:
    worker = deployment.run("runjobs", "--probes", "8787")

    assert worker.status() == 2
    assert "JOBQUEUE['PROBES'] is '8787': it must be HOST:PORT" in worker.output
    assert "Traceback" not in worker.output
