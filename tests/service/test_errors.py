"""What an error of a service tells to code."""

import pytest

from django_jobqueue.service import TaskError, errors

CAUSE = ValueError("bad")


@pytest.mark.parametrize(
    ("make", "text", "facts"),
    [
        (
            lambda: errors.TaskPanicked("pump", cause=CAUSE),
            "Task pump panicked: ValueError: bad",
            {"task_id": "pump"},
        ),
        (
            lambda: errors.TaskShutdownTimedOut("pump", timeout=2.5),
            "Task pump did not stop within 2.5 s",
            {"task_id": "pump", "timeout": 2.5},
        ),
        (
            lambda: errors.ShutdownHookFailed("flush", cause=CAUSE),
            "Shutdown hook flush failed: ValueError: bad",
            {"name": "flush"},
        ),
        (
            lambda: errors.ShutdownHookTimedOut("flush", timeout=2.5),
            "Shutdown hook flush did not finish within 2.5 s",
            {"name": "flush", "timeout": 2.5},
        ),
        (
            lambda: errors.DuplicateComponent("pump"),
            "A component named 'pump' already reports to this health registry",
            {"name": "pump"},
        ),
    ],
)
def test_an_error_says_what_happened_and_to_whom(make, text, facts):
    error = make()

    assert str(error) == text
    assert vars(error) == facts


def test_a_task_that_gave_up_is_told_without_the_name_of_its_error():
    error = errors.TaskFailed("pump", cause=TaskError("no database"))

    assert str(error) == "Task pump failed: no database"
    assert error.task_id == "pump"
