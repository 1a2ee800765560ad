"""`manage.py runjobs` and its options."""

from typing import Any

import pytest
from django.db import transaction

from django_jobqueue import JobState
from django_jobqueue.models import Job, WorkerRecord

from .jobs import tell_what_is_not_collected, work
from .processes import PATIENCE, Deployment, within

pytestmark = pytest.mark.acceptance


def test_until_empty_runs_what_is_due_and_leaves_the_rest(deployment: Deployment) -> None:
    due, later = work.enqueue(1), work.using(delay=3600).enqueue(2)

    worker = deployment.run("runjobs", "--until-empty")

    assert worker.status() == 0, worker.output
    assert (due.refresh().state, later.refresh().state) == (JobState.SUCCEEDED, JobState.SCHEDULED)
    assert deployment.journal == ["start 1", "end 1"]


@pytest.mark.parametrize("processes", ["0", "1"])
def test_what_is_loaded_is_left_out_of_garbage_collections(
    deployment: Deployment, processes: str
) -> None:
    handle = tell_what_is_not_collected.enqueue()

    worker = deployment.run("runjobs", "--until-empty", "--processes", processes)

    assert worker.status() == 0, worker.output
    assert handle.refresh().result > 10_000


def test_only_the_named_queues_are_served(deployment: Deployment) -> None:
    for number, queue in enumerate(("mail", "reports", "other")):
        work.using(queue=queue).enqueue(number)

    worker = deployment.run(
        "runjobs", "--until-empty", "--queue", "mail,reports", "--queue", "mail"
    )

    assert worker.status() == 0, worker.output
    assert sorted(one for one in deployment.journal if "end" in one) == ["end 0", "end 1"]
    assert Job.objects.get().queue == "other"


def test_a_job_whose_transaction_rolled_back_was_never_there(deployment: Deployment) -> None:
    deployment.worker()
    assert within(PATIENCE, WorkerRecord.objects.exists)

    class ChangedMyMind(Exception):
        pass

    def enqueue_and_change_my_mind() -> None:
        with transaction.atomic():
            work.enqueue(1)
            raise ChangedMyMind

    with pytest.raises(ChangedMyMind):
        enqueue_and_change_my_mind()
    with transaction.atomic():
        kept = work.enqueue(2)
        assert "start 2" not in deployment.journal

    assert kept.wait(PATIENCE).state == JobState.SUCCEEDED
    assert deployment.journal == ["start 2", "end 2"]


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        (["--conccurrency", "3"], {}, "unrecognized arguments: --conccurrency"),
        (["--concurrency", "0"], {}, "'0' is not a whole number of at least 1"),
        (["--concurrency", "many"], {}, "'many' is not a whole number of at least 1"),
        (["--queue", ""], {}, "--queue needs a name"),
        (["--queue", "mail,"], {}, "--queue needs a name"),
        ([], {"CONCURENCY": 3}, "JOBQUEUE['CONCURENCY']. Did you mean 'CONCURRENCY'?"),
        ([], {"CONCURRENCY": "3"}, "JOBQUEUE['CONCURRENCY'] is '3': it must be a whole number"),
        ([], {"LEASE": 1, "HEARTBEAT_INTERVAL": 5}, "it must cover 4 heartbeats"),
        ([], {"DATABASE": "other"}, "JOBQUEUE['DATABASE'] is 'other', which is not in DATABASES"),
    ],
    ids=["option", "zero", "no number", "no queue", "comma", "misspelt", "type", "lease", "alias"],
)
def test_bad_input_is_refused_in_one_clear_sentence(
    deployment: Deployment, options: list[str], settings: dict[str, Any], message: str
) -> None:
    deployment.settings = settings
    handle = work.enqueue(1)

    worker = deployment.run("runjobs", "--until-empty", *options)

    assert worker.status() == (2 if options else 1)
    assert message in worker.output
    assert "Traceback" not in worker.output
    assert handle.refresh().state == JobState.READY
