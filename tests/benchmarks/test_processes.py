import os
import subprocess
import sys

from benchmarks.processes import family, processor_seconds, resident_bytes

WAIT_FOR_A_CHILD = (
    "import subprocess, sys;subprocess.run([sys.executable, '-c', 'print(flush=True); input()'])"
)


def test_a_family_has_children_and_theirs():
    with subprocess.Popen(
        [sys.executable, "-c", WAIT_FOR_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        parent.stdout.readline()  # the grandchild is there

        assert len(family(parent.pid)) == 2
        assert {*family(parent.pid)} < {*family(os.getpid())}

        parent.communicate(b"\n")


def test_this_process_has_used_time_and_memory():
    assert processor_seconds([os.getpid()]) > 0
    assert resident_bytes(os.getpid()) > 1_000_000


def test_a_process_that_is_gone_has_used_nothing():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    assert processor_seconds([gone.pid]) == 0
