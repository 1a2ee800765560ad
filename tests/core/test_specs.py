from django_jobqueue.core.specs import FinishedJob, JobFilter, Transition
from django_jobqueue.core.states import JobState
from tests.claims import a_claim


def test_a_finished_job_has_the_id_of_its_claim():
    assert FinishedJob(a_claim(id=7), Transition(state=JobState.SUCCEEDED)).id == 7


def test_a_filter_is_empty_unless_it_asks_for_something():
    assert JobFilter().is_empty is True
    assert JobFilter(queue="mail").is_empty is False


def test_a_job_is_final_in_the_archive_and_among_the_dead_letters():
    assert [state for state in JobState if state.is_final] == [
        JobState.SUCCEEDED,
        JobState.CANCELLED,
        JobState.DEAD,
    ]
