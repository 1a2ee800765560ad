"""What systemd is told, over a socket as it has one."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_jobqueue.service import StopSender
from django_jobqueue.worker.systemd import SystemdNotify

WATCHED = {"WATCHDOG_USEC": "2000000"}


class Unit:
    """The side of systemd, and a worker that is ready and well when the test says so."""

    def __init__(self, address: str) -> None:
        self.address, self.polling, self.well = address, threading.Event(), True
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def task(self, **environment: str) -> SystemdNotify:
        task = SystemdNotify.from_environment(
            {"NOTIFY_SOCKET": self.address, **environment},
            polling=self.polling,
            is_well=lambda: self.well,
        )
        assert task is not None
        return task

    def heard(self) -> list[str]:
        """All that was said since it was last asked."""
        said = []
        try:
            while True:
                said.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return said

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    unit = Unit(str(tmp_path / "notify"))
    yield unit
    unit.close()


def test_outside_of_systemd_there_is_nothing_to_do() -> None:
    made = SystemdNotify.from_environment({}, polling=threading.Event(), is_well=lambda: True)

    assert made is None


def test_it_is_ready_once_jobs_are_looked_for_and_says_so_once(unit: Unit) -> None:
    task = unit.task()
    task.tick()
    assert unit.heard() == []

    unit.polling.set()
    task.tick()
    task.tick()

    assert unit.heard() == ["READY=1"]


def test_the_watchdog_is_told_while_the_worker_is_well(unit: Unit) -> None:
    task = unit.task(**WATCHED)
    unit.polling.set()
    task.tick()
    assert unit.heard() == ["READY=1", "WATCHDOG=1"]

    unit.well = False
    task.tick()
    assert unit.heard() == []

    unit.well = True
    task.tick()
    assert unit.heard() == ["WATCHDOG=1"]


def test_the_watchdog_is_told_twice_in_its_span(unit: Unit) -> None:
    unit.polling.set()

    assert unit.task(**WATCHED).round() == 1.0


@pytest.mark.parametrize(
    ("pid", "said"), [(os.getpid(), ["READY=1", "WATCHDOG=1"]), (1, ["READY=1"])]
)
def test_a_watchdog_of_another_process_is_left_alone(unit: Unit, pid: int, said: list[str]) -> None:
    unit.polling.set()

    unit.task(**WATCHED, WATCHDOG_PID=str(pid)).tick()

    assert unit.heard() == said


def test_its_end_is_said(unit: Unit) -> None:
    stop = StopSender()
    stop.send()

    unit.task().run(stop.receiver())

    assert unit.heard() == ["STOPPING=1"]


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="abstract names are Linux's")
def test_an_abstract_address_is_understood() -> None:
    unit = Unit(f"@jobqueue-{os.getpid()}")
    unit.polling.set()
    unit.task().tick()

    assert unit.heard() == ["READY=1"]
    unit.close()


def test_a_systemd_that_is_gone_is_no_failure_of_the_end(tmp_path: Path) -> None:
    stop = StopSender()
    stop.send()
    task = SystemdNotify(
        str(tmp_path / "gone"),
        watchdog_seconds=None,
        polling=threading.Event(),
        is_well=lambda: True,
    )

    task.run(stop.receiver())
