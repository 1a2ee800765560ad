"""Removing what is past its retention, batch after batch, each from where the one before ended."""

from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue.core.specs import Retention
from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, DeadJob
from django_jobqueue.models.base import FinalRecord
from django_jobqueue.store import RecordMarks, store_for

from .helpers import make_job

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Retention(archive=7 * DAY, dead=7 * DAY)


def kept(age: float, *, queue: str = "a", state: JobState = JobState.SUCCEEDED) -> None:
    make_job(state, queue=queue, finished_at=NOW - age * DAY)


def remove(marks: RecordMarks, *, batch: int = 2) -> tuple[int, int]:
    pruned = store_for("default").prune(WEEK, batch=batch, now=NOW, marks=marks)
    return pruned.archived, pruned.dead


def ages(model: type[FinalRecord] = ArchivedJob) -> list[int]:
    records = model._default_manager.order_by("-finished_at").values_list("finished_at", flat=True)
    return [(NOW - at.replace(tzinfo=UTC)).days for at in records]


def test_everything_that_is_old_is_removed_the_oldest_first() -> None:
    for age in (30, 20, 40, 20, 5):
        kept(age)
        kept(age, state=JobState.DEAD)
    kept(50, queue="b")
    marks: RecordMarks = {}

    assert [remove(marks) for _ in range(3)] == [(2, 2), (2, 2), (1, 0)]
    assert (ages(), ages(DeadJob)) == ([5], [5])


def test_those_that_ended_at_one_moment_are_no_end_of_a_batch() -> None:
    for _ in range(5):
        kept(30)
    marks: RecordMarks = {}

    assert [remove(marks)[0] for _ in range(3)] == [2, 2, 1]


def test_a_queue_whose_turn_has_not_come_is_gone_on_with() -> None:
    for queue, age in (("a", 40), ("a", 39), ("b", 30), ("c", 20)):
        kept(age, queue=queue)
    marks: RecordMarks = {}

    assert [remove(marks)[0] for _ in range(3)] == [2, 2, 0]


def test_a_queue_that_keeps_new_records_hides_no_other() -> None:
    for queue, age in (("a", 40), ("a", 5), ("b", 30), ("b", 29), ("b", 28)):
        kept(age, queue=queue)
    marks: RecordMarks = {}

    assert [remove(marks)[0] for _ in range(3)] == [2, 2, 0]
    assert ages() == [5]


@pytest.mark.sqlite
def test_where_nothing_that_was_removed_is_in_the_way_each_call_begins_anew() -> None:
    for age in (30, 29, 28):
        kept(age)
    marks: RecordMarks = {}
    assert remove(marks) == (2, 0)
    kept(29.5)
    kept(27, queue="new")

    assert remove(marks, batch=10) == (3, 0)


@pytest.mark.postgresql
class TestWhatIsLeftByACallThatGoesOn:
    def begun(self) -> RecordMarks:
        for age in (30, 29, 28):
            kept(age)
        marks: RecordMarks = {}
        assert remove(marks) == (2, 0)
        return marks

    def test_what_lies_before_its_mark(self) -> None:
        marks = self.begun()
        kept(29.5)

        assert remove(marks) == (1, 0)
        assert ages() == [29]

    def test_queues_that_the_first_call_did_not_find(self) -> None:
        marks = self.begun()
        kept(27, queue="new")
        kept(27, state=JobState.DEAD)

        assert remove(marks) == (1, 0)
        assert (ages(), ages(DeadJob)) == ([27], [27])

    def test_the_next_that_begins_anew_has_all_of_it(self) -> None:
        self.begun()
        kept(29.5)
        kept(27, queue="new")

        assert remove({}, batch=10) == (3, 0)


def test_a_dry_run_moves_no_mark() -> None:
    kept(30)
    marks: RecordMarks = {}
    store_for("default").prune(WEEK, now=NOW, dry_run=True, marks=marks)

    assert remove(marks) == (1, 0)
