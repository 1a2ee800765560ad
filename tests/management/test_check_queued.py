"""What `manage.py jobqueue check-queued` prints."""

import json

import pytest

from tests.handlers import add, greet
from tests.management.test_jobqueue import jobqueue
from tests.store.helpers import make_job

pytestmark = pytest.mark.django_db


def test_a_site_whose_calls_all_fit():
    add.enqueue(1)

    assert jobqueue("check-queued") == (
        0,
        "looked at 1 job, 0 batches, 0 schedules, 0 templates: all fit\n",
    )


def test_what_does_not_fit_is_told_by_handler_with_an_example():
    rows = [make_job(handler="gone", queue="mail") for _ in range(2)]
    add.using(every=3600, schedule="sums").enqueue(1)
    greet.enqueue(name="ada")

    status, printed = jobqueue("check-queued", "--queue", "mail")

    first, example, last = printed.splitlines()
    assert (status, first) == (1, "2 jobs of 'gone', handler_missing:")
    assert example.startswith(f"- job {rows[0].pk} in queue 'mail': no handler named 'gone' is ")
    assert last == (
        "looked at 3 jobs, 0 batches, 0 schedules, 0 templates: this code cannot run all"
    )


def test_programs_get_the_same_as_json():
    row = make_job(handler="tests.greet", payload={"args": [], "kwargs": {"name": 7}})

    status, printed = jobqueue("check-queued", "--format", "json")

    told = json.loads(printed)
    assert (status, told["fits"]) == (1, False)
    assert told["looked_at"] == {"job": 1, "batch": 0, "schedule": 0, "template": 0}
    why = "argument 'name' must be str"
    assert told["misfits"] == [
        {
            "kind": "job",
            "handler": "tests.greet",
            "reason": "unprocessable",
            "count": 1,
            "examples": [{"named": row.pk, "queue": "default", "why": why}],
        }
    ]


def test_a_name_cannot_steer_the_terminal():
    make_job(handler="\x1b[2Jgone\n", queue="mail")

    _, printed = jobqueue("check-queued")

    assert "\x1b" not in printed
    assert len(printed.splitlines()) == 3
