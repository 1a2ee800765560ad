import pytest

from django_jobqueue.core.specs import AttemptReport, FinishedJob, JobFilter, Transition
from django_jobqueue.core.states import JobState
from tests.claims import a_claim


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
