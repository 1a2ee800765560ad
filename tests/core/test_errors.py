import pickle
from datetime import timedelta

import pytest

from django_jobqueue.core import errors
from django_jobqueue.core.batch_errors import BatchFinished, BatchNotFound
from django_jobqueue.core.errors import (
    HandlerNotRegistered,
    InvalidOptions,
    JobCancelled,
    JobFailed,
    JobInterrupt,
    JobQueueError,
    JobTimedOut,
    PayloadError,
    PayloadTooLarge,
    UniqueConflict,
)
from django_jobqueue.core.hints import did_you_mean
from django_jobqueue.core.schedule_errors import (
    ScheduleNotFound,
    TemplateNotFound,
    UnknownTimeZone,
)

ONE_OF_EACH = [
    errors.InvalidSettings("JOBQUEUE['LEASE'] (3) must be at least 10"),
    errors.InvalidOptions("priority", "must be a whole number"),
    errors.HandlerNotRegistered("shop.jobs.send"),
    errors.HandlerAlreadyRegistered("shop.jobs.send"),
    errors.InvalidHandler("shop.jobs.send", "it is a lambda"),
    errors.InvalidArguments("shop.jobs.send", "no user"),
    errors.PayloadError("args[0]", "is NaN", 4),
    errors.PayloadTooLarge(300, 200, 4),
    errors.UniqueConflict("order-7", 12),
    errors.JobNotFound(12),
    errors.JobNotStored("r-1", "it is in the spool"),
    errors.UnknownReceipt("r-1"),
    errors.SpoolUnusable("/spool/default.sqlite3", "disk full"),
    errors.JobNotFinished(12, "running"),
    errors.JobFailed(12, "exhausted", {"type": "ValueError", "message": "no"}),
    errors.StateChanged(12, "it is running now"),
    errors.RequeueRefused(12, "its key is taken"),
    errors.DatabaseNotReady("connection refused"),
    errors.ReadTooSlow(timedelta(seconds=5)),
    errors.LeaseLost(12),
    errors.ProcessNotStarted("it ended with exit code 1"),
    errors.ProcessDied("killed by SIGSEGV"),
    errors.LeakedTransaction(["default"]),
]


def test_this_file_knows_every_error():
    told = {type(error) for error in ONE_OF_EACH}
    declared = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, JobQueueError)
    }
    assert told == declared - {JobQueueError}


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_to_another_process(error):
    arrived = pickle.loads(pickle.dumps(error))

    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize(
    ("make", "words", "facts"),
    [
        (
            lambda: errors.InvalidOptions("priority", "must be a whole number"),
            "job option 'priority' must be a whole number",
            {"option": "priority", "why": "must be a whole number"},
        ),
        (
            lambda: errors.HandlerNotRegistered("shop.send"),
            "no handler named 'shop.send' is registered",
            {"name": "shop.send"},
        ),
        (
            lambda: errors.InvalidArguments("shop.send", "no user"),
            "shop.send: no user",
            {"handler": "shop.send", "why": "no user", "outline": "no user"},
        ),
        (
            lambda: errors.InvalidHandler("shop.send", "it is a lambda"),
            "shop.send cannot be a job: it is a lambda",
            {"handler": "shop.send", "why": "it is a lambda"},
        ),
        (
            lambda: JobFailed(7, "exhausted", {"type": "OSError"}),
            "job 7 is dead (exhausted)",
            {"job_id": 7, "reason": "exhausted", "error": {"type": "OSError"}},
        ),
        (
            lambda: errors.HandlerAlreadyRegistered("shop.send"),
            "a handler named 'shop.send' is already registered",
            {"name": "shop.send"},
        ),
        (lambda: errors.JobNotFound(12), "job 12 is in no table", {"job_id": 12}),
        (
            lambda: errors.JobNotFinished(12, "running"),
            "job 12 is running, not finished",
            {"job_id": 12, "state": "running"},
        ),
        (
            lambda: errors.StateChanged(12, "it runs"),
            "the state of job 12 has changed: it runs",
            {"job_id": 12, "why": "it runs"},
        ),
        (
            lambda: errors.RequeueRefused(12, "its key is taken"),
            "job 12 was not requeued: its key is taken",
            {"job_id": 12, "why": "its key is taken"},
        ),
        (
            lambda: errors.DatabaseNotReady("connection refused"),
            "the database is not ready: connection refused",
            {"why": "connection refused"},
        ),
        (
            lambda: errors.ReadTooSlow(timedelta(seconds=2.5)),
            "the database took longer than 2.5 s",
            {"at_most": timedelta(seconds=2.5)},
        ),
        (
            lambda: errors.JobNotStored("r-1", "it is in the spool"),
            "the enqueue with the receipt r-1 has no job: it is in the spool",
            {"receipt": "r-1", "why": "it is in the spool"},
        ),
        (
            lambda: errors.UnknownReceipt("r-1"),
            "nothing was set aside under the receipt r-1",
            {"receipt": "r-1"},
        ),
        (
            lambda: errors.SpoolUnusable("/spool/a", "disk full"),
            "the spool /spool/a cannot be used: disk full",
            {"path": "/spool/a", "why": "disk full"},
        ),
        (
            lambda: errors.ProcessNotStarted("exit code 1"),
            "no process could be started for it: exit code 1",
            {"why": "exit code 1"},
        ),
        (
            lambda: errors.ProcessDied("killed by SIGSEGV"),
            "killed by SIGSEGV",
            {"cause": "killed by SIGSEGV"},
        ),
        (
            lambda: UnknownTimeZone("Mars/Olympus"),
            "no time zone 'Mars/Olympus' is known here",
            {"name": "Mars/Olympus"},
        ),
        (
            lambda: ScheduleNotFound("nightly"),
            "there is no schedule 'nightly'",
            {"name": "nightly"},
        ),
        (
            lambda: TemplateNotFound("report"),
            "there is no template 'report'",
            {"name": "report"},
        ),
        (lambda: BatchNotFound(7), "there is no batch 7", {"batch_id": 7}),
        (lambda: BatchFinished(7), "batch 7 has finished", {"batch_id": 7}),
        (lambda: errors.LeaseLost(12), "job 12 may be run by another worker", {"job_id": 12}),
        (
            lambda: errors.LeakedTransaction(["default", "other"]),
            "left a transaction open on the database default, other; it was rolled back",
            {"aliases": ("default", "other")},
        ),
    ],
)
def test_an_error_says_what_happened_and_tells_its_facts_to_code(make, words, facts):
    error = make()

    assert words in str(error)
    assert vars(error) == facts


def test_a_misspelt_name_is_answered_with_the_nearest_known_one():
    assert did_you_mean("concurency", ["LEASE", "CONCURRENCY"]) == " Did you mean 'CONCURRENCY'?"


def test_a_name_unlike_any_other_gets_no_suggestion():
    assert did_you_mean("zebra", ["LEASE", "CONCURRENCY"]) == ""


def test_an_unknown_option_is_answered_with_the_nearest_one_or_with_all():
    near = InvalidOptions.unknown("priorty", known=["queue", "priority"])
    far = InvalidOptions.unknown("zebra", known=["queue", "priority"])

    assert str(near) == "job option 'priorty' does not exist. Did you mean 'priority'?"
    assert str(far) == "job option 'zebra' does not exist. The options are: priority, queue."
    assert near.option == "priorty"


def test_an_unknown_handler_is_named_with_the_one_that_was_meant():
    error = HandlerNotRegistered("shop.jobs.sent", known=["shop.jobs.send"])

    assert "'shop.jobs.sent'" in str(error)
    assert "Did you mean 'shop.jobs.send'?" in str(error)


def test_a_payload_error_can_be_told_of_one_job_of_a_bulk_call():
    error = PayloadError("kwargs['user']", "is NaN").at_index(41)

    assert str(error) == "job 41 of the call: kwargs['user'] is NaN"
    assert (error.path, error.index) == ("kwargs['user']", 41)


def test_a_payload_that_is_too_large_stays_one_when_it_is_told_of_a_job():
    error = PayloadTooLarge(300_000, 262_144).at_index(2)

    assert type(error) is PayloadTooLarge
    assert (error.size, error.limit, error.index) == (300_000, 262_144, 2)
    assert error.path == "payload"
    assert "262,144" in str(error)


def test_a_failed_job_tells_its_reason_and_its_last_error():
    error = JobFailed(7, "exhausted", {"type": "ValueError", "message": "no such user"})

    assert str(error) == "job 7 is dead (exhausted): ValueError: no such user"
    assert str(JobFailed(7, "expired")) == "job 7 is dead (expired)"


def test_a_conflict_names_the_job_that_holds_the_key():
    error = UniqueConflict("order-7", 12)

    assert (error.unique_key, error.job_id) == ("order-7", 12)
    assert "job 12" in str(error)


@pytest.mark.parametrize("interrupt", [JobTimedOut, JobCancelled])
def test_except_exception_does_not_swallow_an_interrupt(interrupt):
    def handler():
        try:
            raise interrupt
        except Exception:
            return "swallowed"

    with pytest.raises(JobInterrupt) as caught:
        handler()
    assert str(caught.value) == interrupt.message
    assert str(interrupt("after 5 s")) == "after 5 s"
    assert not issubclass(interrupt, JobQueueError)
