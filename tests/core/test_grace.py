"""The note of a job that waits for its handler."""

import json
from datetime import timedelta, timezone
from typing import Any

import pytest

from django_jobqueue.core.grace import note, noted_since, without_note
from django_jobqueue.core.specs import ClaimedJob, Transition
from django_jobqueue.core.states import JobState
from tests.claims import MOMENT, a_claim

SUCCESS = Transition(state=JobState.SUCCEEDED)


def a_waiting_job(**said: Any) -> ClaimedJob:
    return a_claim(error=note(a_claim(), "no handler registered", since=MOMENT), **said)


def test_a_note_reads_as_the_error_that_it_is():
    told = json.loads(note(a_claim(reprocess_count=4), "no handler registered", since=MOMENT))

    assert told == {
        "type": "HandlerNotRegistered",
        "message": "no handler registered",
        "fields": {"since": MOMENT.isoformat(), "reprocess_count": 4},
    }


def test_the_next_worker_finds_since_when_the_job_waits():
    assert noted_since(a_waiting_job()) == MOMENT


def test_a_time_of_another_zone_is_told_in_utc():
    here = MOMENT.astimezone(timezone(timedelta(hours=2)))
    found = noted_since(a_claim(error=note(a_claim(), "no handler registered", since=here)))

    assert found == MOMENT
    assert found.utcoffset() == timedelta(0)


def test_a_note_from_before_a_run_is_worth_nothing():
    assert noted_since(a_waiting_job(reprocess_count=1)) is None


FIELDS = {"since": MOMENT.isoformat(), "reprocess_count": 0}


@pytest.mark.parametrize(
    "error",
    [
        None,
        "",
        "null",
        "no JSON",
        "[]",
        '"text"',
        "{}",
        '{"type": "HandlerNotRegistered"}',
        json.dumps({"type": "ValueError", "fields": FIELDS}),
        json.dumps({"type": "HandlerNotRegistered", "fields": [1]}),
        json.dumps({"type": "HandlerNotRegistered", "fields": {**FIELDS, "since": "soon"}}),
        json.dumps({"type": "HandlerNotRegistered", "fields": {**FIELDS, "since": 5}}),
        json.dumps(
            {
                "type": "HandlerNotRegistered",
                "fields": {**FIELDS, "since": "0001-01-01T00:00+09:00"},
            }
        ),
    ],
)
def test_any_other_error_is_no_note(error: str | None):
    assert noted_since(a_claim(error=error)) is None


class TestARunThatCameToPass:
    def test_removes_the_note(self):
        assert without_note(a_waiting_job(), SUCCESS).error == Transition.NO_ERROR

    def test_changes_nothing_else(self):
        assert without_note(a_waiting_job(), SUCCESS).state is JobState.SUCCEEDED

    @pytest.mark.parametrize("error", [None, '{"type": "ValueError"}'])
    def test_keeps_an_error_that_is_no_note(self, error: str | None):
        assert without_note(a_claim(error=error), SUCCESS) is SUCCESS

    def test_keeps_an_error_of_its_own(self):
        failed = Transition(state=JobState.DEAD, error='{"type": "ValueError"}')

        assert without_note(a_waiting_job(), failed) is failed
