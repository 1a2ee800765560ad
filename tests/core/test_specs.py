from datetime import timedelta

import pytest

from django_jobqueue.core.specs import (
    AttemptReport,
    FinishedJob,
    JobFilter,
    Pruned,
    Transition,
)
from django_jobqueue.core.states import JobState
from tests.claims import MOMENT, a_claim


def test_a_finished_job_has_the_id_of_its_claim():
    assert FinishedJob(a_claim(id=7), Transition(state=JobState.SUCCEEDED)).id == 7


@pytest.mark.parametrize(
    ("outcome", "is_own_end"),
    [("failed", True), ("snoozed", True), ("released", False), ("rescued", False)],
)
def test_a_run_that_was_given_back_came_to_no_end_of_its_own(outcome, is_own_end):
    report = AttemptReport(outcome=outcome)

    assert Transition(state=JobState.READY, report=report).is_own_end is is_own_end
    assert Transition(state=JobState.READY).is_own_end is False


def test_a_filter_is_empty_unless_it_asks_for_something():
    assert JobFilter().is_empty is True
    assert JobFilter(queue="mail").is_empty is False


def test_a_job_is_final_in_the_archive_and_among_the_dead_letters():
    assert [state for state in JobState if state.is_final] == [
        JobState.SUCCEEDED,
        JobState.CANCELLED,
        JobState.DEAD,
    ]


@pytest.mark.parametrize(
    ("start", "seconds"),
    [
        (None, None),
        (MOMENT, 0.0),
        (MOMENT + timedelta(seconds=7), 7.0),
        (MOMENT - timedelta(1), 0.0),
    ],
)
def test_a_job_has_waited_until_its_handler_was_called(start, seconds):
    done = FinishedJob(a_claim(ready_at=MOMENT), Transition(state=JobState.SUCCEEDED), start)

    assert done.wait_seconds == seconds


def test_the_fullest_batch_of_what_was_pruned_is_told_and_attempts_are_in_none():
    assert Pruned(archived=3, dead=1, attempts=9).largest == 3
    assert Pruned(dead=4, workers=1).largest == 4
    assert Pruned(archived=1, audits=5, receipts=2).largest == 5
