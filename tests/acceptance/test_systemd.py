"""A worker as a unit of systemd."""

import signal
import socket

import pytest

from .processes import PATIENCE, Deployment

pytestmark = pytest.mark.acceptance


def test_it_says_when_it_is_ready_well_and_stopping(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(deployment.folder / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(PATIENCE)
        worker = deployment.worker()
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"

        worker.send(signal.SIGTERM)

        assert worker.status() == 0, worker.output
        said = b""
        while said != b"STOPPING=1":
            said = systemd.recv(100)
