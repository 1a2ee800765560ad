"""Processes are told apart from their children and from those that have ended."""

import os
import signal
import subprocess
import sys

from .trees import children_of, is_running, send

SLEEPER = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]


def test_a_process_is_running_until_it_has_ended_and_also_while_it_is_stopped() -> None:
    with subprocess.Popen(SLEEPER, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.pid in children_of({os.getpid()})
        send(signal.SIGSTOP, process.pid)
        assert is_running(process.pid)

        send(signal.SIGKILL, process.pid)
        # Ended, and still there until its parent has asked for its status.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(process.pid)
        assert process.pid not in children_of({os.getpid()})

    assert not is_running(process.pid)
    send(signal.SIGCONT, process.pid)  # nobody is there, and that is no error
