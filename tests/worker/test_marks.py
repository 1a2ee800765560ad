"""Marks of what has started, in memory that two processes share."""

import os
import subprocess
import sys

import pytest

from django_jobqueue.worker.marks import StartedMarks

from .site import COMMITTED, Site

BIG_ID = 2**40 + 7
#: Another process begins two jobs, ends one, and dies as if it had been killed.
DIE_AMID_A_JOB = f"""
import os, sys
from django_jobqueue.worker.marks import StartedMarks
marks = StartedMarks(int(sys.argv[1]), slots=3)
ended = marks.begin(1)
marks.begin({BIG_ID})
marks.end(ended)
marks.erase(ended, job_id=1)
os._exit(9)
"""


def test_what_began_is_marked_until_its_outcome_is_written() -> None:
    marks = StartedMarks.create(slots=2)
    first, second = marks.begin(7), marks.begin(5)
    marks.end(first)
    assert marks.started() == [5, 7]

    marks.erase(first, job_id=7)
    assert marks.started() == [5]
    marks.end(second)
    marks.erase(second, job_id=5)

    assert marks.started() == []
    marks.close()


def test_a_job_that_runs_keeps_its_mark_however_many_others_end() -> None:
    marks = StartedMarks.create(slots=2)
    marks.begin(1)
    for job_id in range(2, 50):
        marks.end(marks.begin(job_id))

    assert 1 in marks.started()
    assert len(marks.started()) <= 4
    marks.close()


def test_a_mark_whose_place_was_taken_is_not_erased_with_the_job_before() -> None:
    marks = StartedMarks.create(slots=1)
    early = marks.begin(1)
    marks.end(early)
    marks.end(marks.begin(2))
    assert marks.begin(3) == early

    marks.erase(early, job_id=1)

    assert 3 in marks.started()
    marks.close()


def test_a_place_is_used_again_and_again() -> None:
    marks = StartedMarks.create(slots=1)
    for job_id in range(1, 100):
        place = marks.begin(job_id)
        assert marks.started() == [job_id]
        marks.end(place)
        marks.erase(place, job_id=job_id)
    marks.close()


def test_what_a_dead_process_had_started_is_still_told() -> None:
    marks = StartedMarks.create(slots=3)

    died = subprocess.run(
        [sys.executable, "-c", DIE_AMID_A_JOB, str(marks.fileno)],
        pass_fds=[marks.fileno],
        check=False,
    )

    assert died.returncode == 9
    assert marks.started() == [BIG_ID]
    marks.close()


def test_closing_leaves_no_file_open() -> None:
    marks = StartedMarks.create(slots=1)
    marks.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(marks.fileno)


@COMMITTED
def test_a_worker_keeps_the_mark_of_a_handler_that_has_ended_until_the_outcome_is_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks, when_written = StartedMarks.create(slots=6), list[list[int]]()
    monkeypatch.setattr("django_jobqueue.worker.assembly.NO_MARKS", marks)

    def note(name: str, facts: object) -> None:
        if name == "job.succeeded":
            when_written.append(marks.started())

    site.bus.subscribe(note)
    handle = site.job(lambda: None, name="quick").enqueue()

    site.work()

    assert when_written == [[handle.id]]
    assert marks.started() == []
    marks.close()
