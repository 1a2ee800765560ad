"""Marks of what has started, in memory that two processes share."""

import os
import subprocess
import sys

import pytest

from django_jobqueue.worker.marks import StartedMarks

BIG_ID = 2**40 + 7
#: Another process begins two jobs, ends one, and dies as if it had been killed.
DIE_AMID_A_JOB = f"""
import os, sys
from django_jobqueue.worker.marks import StartedMarks
marks = StartedMarks(int(sys.argv[1]), places=3)
ended = marks.begin(1)
marks.begin({BIG_ID})
marks.end(ended)
os._exit(9)
"""


def test_what_runs_is_marked_until_it_ends() -> None:
    marks = StartedMarks.create(places=2)
    first, second = marks.begin(7), marks.begin(5)

    assert marks.started() == [5, 7]
    marks.end(first)
    assert marks.started() == [5]
    marks.end(second)
    assert marks.started() == []
    marks.close()


def test_a_place_is_used_again_and_again() -> None:
    marks = StartedMarks.create(places=1)
    for job_id in range(1, 100):
        place = marks.begin(job_id)
        assert marks.started() == [job_id]
        marks.end(place)
    marks.close()


def test_what_a_dead_process_had_started_is_still_told() -> None:
    marks = StartedMarks.create(places=3)

    died = subprocess.run(
        [sys.executable, "-c", DIE_AMID_A_JOB, str(marks.fileno)],
        pass_fds=[marks.fileno],
        check=False,
    )

    assert died.returncode == 9
    assert marks.started() == [BIG_ID]
    marks.close()


def test_closing_leaves_no_file_open() -> None:
    marks = StartedMarks.create(places=1)
    marks.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(marks.fileno)
