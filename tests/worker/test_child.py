"""A child process, as the handlers that run in it find it."""

import os
import subprocess
import sys

import pytest

from django_jobqueue.worker.spawning import restore

PATIENCE = 30.0


def test_a_path_that_was_set_to_find_the_child_is_gone_from_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/the/supervisor")
    restore(None)
    assert "PYTHONPATH" not in os.environ

    monkeypatch.setenv("PYTHONPATH", "/of/the/supervisor")
    restore("/of/the/site")
    assert os.environ["PYTHONPATH"] == "/of/the/site"


def test_a_thread_that_a_handler_left_behind_does_not_keep_the_process() -> None:
    left_behind = (
        "import threading; from django_jobqueue.worker.ending import end_within; "
        "threading.Thread(target=threading.Event().wait).start(); end_within(0.1, status=7)"
    )
    done = subprocess.run([sys.executable, "-c", left_behind], timeout=PATIENCE, check=False)
    assert done.returncode == 7
