"""`manage.py jobqueue why`."""

import json

import pytest
from django.core.management import CommandError

from django_jobqueue import Queue
from django_jobqueue.core.states import JobState
from django_jobqueue.models import WorkerRecord
from tests.store.helpers import LONG_AGO, make_job, register_worker, unused_id

from .test_jobqueue import jobqueue

pytestmark = pytest.mark.django_db


def test_everything_that_keeps_a_job_is_told_a_line_each():
    Queue("mail").pause("deploy")
    error = {"type": "ValueError", "message": "no such address"}
    row = make_job(JobState.SCHEDULED, queue="mail", attempt=1, error=error)

    status, printed = jobqueue("why", str(row.pk))

    first, paused, due, worker = printed.splitlines()
    assert status == 0
    assert first == f"job {row.pk}, 'tests.handler' in queue 'mail', is scheduled:"
    assert paused.startswith("- queue 'mail' is paused since ")
    assert due.endswith("for attempt 2 of 3 (last failure: ValueError: no such address)")
    assert worker == "- no worker is alive"


def test_a_job_that_nothing_keeps():
    register_worker()
    WorkerRecord.objects.update(queues=[])

    assert jobqueue("why", str(make_job().pk))[1].splitlines()[1:] == [
        "- nothing keeps it: a worker will take it at its next look"
    ]


def test_the_same_as_json():
    row = make_job(JobState.SUCCEEDED, finished_at=LONG_AGO)

    status, printed = jobqueue("why", str(row.pk), "--format", "json")
    told = json.loads(printed)

    assert status == 0
    assert (told["job_id"], told["state"]) == (row.pk, "succeeded")
    [blocker] = told["blockers"]
    assert (blocker["kind"], blocker["until"]) == ("succeeded", None)


def test_no_text_of_a_job_reaches_the_terminal_as_it_is():
    error = {"type": "E", "message": "\x1b[2J\u202eno"}
    row = make_job(JobState.DEAD, handler="a\x1bb", queue="c\u202ed", error=error)

    printed = jobqueue("why", str(row.pk))[1]

    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\\u001b[2J\\u202eno" in printed


def test_a_job_that_is_nowhere_is_refused_in_a_sentence():
    missing = unused_id()

    with pytest.raises(CommandError, match=f"job {missing} is in no table") as refused:
        jobqueue("why", str(missing))

    assert refused.value.returncode == 2


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1.5", "9" * 19, "9" * 20, "٣", ""])
def test_what_is_no_id_is_refused(wrong: str):
    with pytest.raises(CommandError, match=r"is not the id of a job|required"):
        jobqueue("why", wrong)
