"""A child process, as the handlers that run in it find it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from django_jobqueue.worker.spawning import restore

PATIENCE = 30.0
#: It ends as soon as its child holds the interpreter.
PARENT = """
import os, subprocess, sys
held, holds = os.pipe()
subprocess.Popen([sys.executable, "-c", sys.argv[1], str(holds)], pass_fds=[holds])
os.close(holds)
os.read(held, 1)
os._exit(0)
"""
#: SIGHUP is 1: it may live for a second.
CHILD = """
import ctypes, os, signal, sys
from django_jobqueue.worker.spawning import die_after_the_parent
die_after_the_parent(signal.SIGHUP)
print(os.getpid(), flush=True)
os.close(int(sys.argv[1]))
ctypes.PyDLL(None).sleep(3600)
"""


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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of the end of a parent")
def test_a_handler_that_holds_the_interpreter_does_not_outlive_the_supervisor_for_long() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        try:
            parent.communicate(timeout=PATIENCE)  # which ends with the last who has its output
        finally:
            with suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
    assert parent.returncode == 0
