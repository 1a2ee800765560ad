"""Marks of what has started, in memory that two processes share."""

import os
import subprocess
import sys
from typing import Any

import pytest

from django_jobqueue.core.clock import monotonic
from django_jobqueue.store import store_for
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
marks.erase([(ended, 1)])
os._exit(9)
"""


def test_what_began_is_marked_until_its_outcome_is_written() -> None:
    marks = StartedMarks.create(slots=2)
    first, second = marks.begin(7), marks.begin(5)
    marks.end(first)
    assert marks.started() == [5, 7]

    marks.erase([(first, 7)])
    assert marks.started() == [5]
    marks.end(second)
    marks.erase([(second, 5)])

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

    marks.erase([(early, 1)])

    assert 3 in marks.started()
    marks.close()


def test_a_place_is_used_again_and_again() -> None:
    marks = StartedMarks.create(slots=1)
    for job_id in range(1, 100):
        place = marks.begin(job_id)
        assert marks.started() == [job_id]
        marks.end(place)
        marks.erase([(place, job_id)])
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


class TestLimits:
    def test_what_should_have_ended_is_overdue(self) -> None:
        marks = StartedMarks.create(slots=3)
        late, later = marks.begin(BIG_ID), marks.begin(7)
        marks.begin(5)
        marks.limit(late, until=10.0)
        marks.limit(later, until=20.5)

        assert marks.overdue(9.9) == []
        assert marks.overdue(10.0) == [BIG_ID]
        assert marks.overdue(1000.0) == [7, BIG_ID]
        marks.close()

    def test_a_handler_that_has_ended_is_not_though_its_outcome_is_not_written(self) -> None:
        marks = StartedMarks.create(slots=1)
        place = marks.begin(7)
        marks.limit(place, until=10.0)

        marks.end(place)

        assert marks.started() == [7]
        assert marks.overdue(1000.0) == []
        marks.close()

    def test_another_process_sees_them(self) -> None:
        marks = StartedMarks.create(slots=2)
        shared = StartedMarks(os.dup(marks.fileno), slots=2)
        shared.limit(shared.begin(7), until=10.0)

        assert marks.overdue(10.0) == [7]
        shared.close()
        marks.close()

    @COMMITTED
    def test_a_handler_has_its_timeout_and_the_grace(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        marks = StartedMarks.create(slots=6)
        monkeypatch.setattr("django_jobqueue.worker.assembly.NO_MARKS", marks)

        def overdue_at() -> list[list[int]]:
            now = monotonic()
            return [marks.overdue(now + seconds) for seconds in (15_000, 20_000)]

        async def overdue_at_async() -> list[list[int]]:
            return overdue_at()

        limited = {"timeout": 10_000, "max_attempts": 1}
        handles = [
            site.job(overdue_at, name="sync", **limited).enqueue(),
            site.job(overdue_at_async, name="async", **limited).enqueue(),
        ]
        free = site.job(overdue_at, name="free").enqueue()
        site.work(concurrency=1, async_concurrency=1, timeout_grace=10_000)

        for handle in handles:
            [early, late] = handle.refresh().result
            assert handle.id not in early
            assert handle.id in late
        assert free.id not in free.refresh().result[1]
        marks.close()


@COMMITTED
def test_a_worker_keeps_the_mark_of_a_handler_that_has_ended_until_the_outcome_is_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks, when_written = StartedMarks.create(slots=6), list[list[int]]()
    monkeypatch.setattr("django_jobqueue.worker.assembly.NO_MARKS", marks)

    store = type(store_for("default"))
    real = store.finish_and_claim

    def noted(self: Any, finished: Any, **asked: Any) -> Any:
        answer = real(self, finished, **asked)
        if finished:
            when_written.append(marks.started())
        return answer

    monkeypatch.setattr(store, "finish_and_claim", noted)
    handle = site.job(lambda: None, name="quick").enqueue()

    site.work()

    assert when_written == [[handle.id]]
    assert marks.started() == []
    marks.close()
