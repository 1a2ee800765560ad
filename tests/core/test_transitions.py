"""What is written because of an outcome: every branch, without a database."""

import json
from datetime import timedelta
from typing import Any

import pytest

from django_jobqueue.core.backoff import Constant, NoRetry
from django_jobqueue.core.error_text import describe_error
from django_jobqueue.core.outcomes import (
    Bury,
    Cancel,
    Discard,
    Fail,
    Release,
    Rescue,
    Retry,
    Snooze,
    Succeed,
    Unprocessable,
)
from django_jobqueue.core.specs import Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.core.transitions import decide
from tests.claims import MOMENT, a_claim

BACKOFF = Constant(10)


def decided(outcome: Any, *, backoff: Any = BACKOFF, keep: bool = True, **job: int) -> Transition:
    return decide(a_claim(**job), outcome, backoff, keep=keep)


def error_of(transition: Transition) -> dict[str, Any]:
    assert transition.error is not None
    found: dict[str, Any] = json.loads(transition.error)
    return found


@pytest.mark.parametrize(("result", "text"), [(None, None), (3, "3"), ({"a": [1]}, '{"a":[1]}')])
def test_a_success_keeps_its_result(result: object, text: str | None) -> None:
    transition = decided(Succeed(result))

    assert (transition.state, transition.result) == (JobState.SUCCEEDED, text)
    assert transition.report is None, "the archive row says all of it"


def test_the_record_of_a_success_is_kept_unless_somebody_says_otherwise() -> None:
    assert decide(a_claim(), Succeed(None), BACKOFF).keep is True


@pytest.mark.parametrize("result", [None, 3])
def test_the_record_of_a_success_need_not_be_kept(result: object) -> None:
    assert decided(Succeed(result)).keep
    assert not decided(Succeed(result), keep=False).keep


@pytest.mark.parametrize("outcome", [Retry("busy"), Fail(describe_error(ValueError("busy")))])
def test_a_failed_attempt_is_spent_and_waits_for_its_backoff(outcome: Retry | Fail) -> None:
    transition = decided(outcome)

    assert (transition.state, transition.delay) == (JobState.SCHEDULED, 10)
    assert (transition.attempt_change, transition.reprocess_change) == (0, 0)
    assert error_of(transition)["message"] == "busy"
    assert transition.report is not None
    assert (transition.report.outcome, transition.report.message) == ("failed", "busy")


@pytest.mark.parametrize("outcome", [Retry("no"), Fail(describe_error(ValueError("no")))])
def test_the_last_attempt_leaves_a_dead_letter(outcome: Retry | Fail) -> None:
    transition = decided(outcome, attempt=3)

    assert (transition.state, transition.reason) == (JobState.DEAD, DeathReason.EXHAUSTED)
    assert error_of(transition)["message"] == "no"


def test_a_backoff_that_allows_no_retry_makes_the_first_attempt_the_last() -> None:
    transition = decided(Retry("no"), backoff=NoRetry())

    assert (transition.state, transition.reason) == (JobState.DEAD, DeathReason.EXHAUSTED)


def test_a_failure_not_worth_retrying_is_discarded() -> None:
    transition = decided(Fail(describe_error(ValueError("no")), retryable=False))

    assert (transition.state, transition.reason) == (JobState.DEAD, DeathReason.DISCARDED)


@pytest.mark.parametrize(
    ("retry", "delay", "state"),
    [
        (Retry(delay=60), 60, JobState.SCHEDULED),
        (Retry(delay=timedelta(minutes=1)), 60, JobState.SCHEDULED),
        (Retry(delay=1), 10, JobState.SCHEDULED),
        (Retry(delay=1, exact=True), 1, JobState.SCHEDULED),
        (Retry(delay=0, exact=True), 0, JobState.READY),
        (Retry(exact=True), 10, JobState.SCHEDULED),
    ],
)
def test_a_retry_is_never_sooner_than_the_backoff_unless_it_is_exact(
    retry: Retry, delay: float, state: JobState
) -> None:
    transition = decided(retry)

    assert (transition.delay, transition.state) == (delay, state)


@pytest.mark.parametrize(("exact", "delay"), [(False, 10), (True, 0)])
def test_a_retry_at_a_time_keeps_that_time(exact: bool, delay: float) -> None:
    transition = decided(Retry(at=MOMENT, exact=exact))

    assert (transition.run_at, transition.delay) == (MOMENT, delay)
    assert transition.state is JobState.SCHEDULED


def test_a_snooze_gives_the_attempt_back_and_counts() -> None:
    transition = decided(Snooze(delay=60), attempt=3)

    assert (transition.state, transition.delay) == (JobState.SCHEDULED, 60)
    assert (transition.attempt_change, transition.reprocess_change) == (-1, 1)


def test_a_snooze_is_never_sooner_than_the_backoff() -> None:
    assert decided(Snooze(delay=1)).delay == 10


@pytest.mark.parametrize(
    ("delay", "state", "keeps_place"),
    [(0, JobState.READY, True), (5, JobState.SCHEDULED, False)],
)
def test_what_is_given_back_counts_nowhere(
    delay: float, state: JobState, keeps_place: bool
) -> None:
    transition = decided(Release("shutdown", delay))

    assert (transition.state, transition.keeps_place) == (state, keeps_place)
    assert (transition.attempt_change, transition.reprocess_change) == (-1, 0)


def test_a_rescue_gives_the_attempt_back_counts_and_goes_to_the_end_of_the_line() -> None:
    transition = decided(Rescue("killed by SIGSEGV"), attempt=3)

    assert (transition.state, transition.keeps_place) == (JobState.READY, False)
    assert (transition.attempt_change, transition.reprocess_change) == (-1, 1)
    assert transition.rescue_change == 1
    assert error_of(transition) == {"type": "WorkerDied", "message": "killed by SIGSEGV"}
    assert transition.report is not None
    assert (transition.report.outcome, transition.is_own_end) == ("rescued", False)


def test_a_cancel_is_kept_with_its_reason() -> None:
    transition = decided(Cancel("not needed"))

    assert transition.state is JobState.CANCELLED
    assert error_of(transition) == {"type": "Cancel", "message": "not needed"}


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Discard("no account"), DeathReason.DISCARDED),
        (Unprocessable("no account"), DeathReason.UNPROCESSABLE),
        (Bury(DeathReason.POISON, "no account"), DeathReason.POISON),
        (Bury(DeathReason.EXPIRED, "no account"), DeathReason.EXPIRED),
    ],
)
def test_what_will_not_run_again_says_why(outcome: Any, reason: DeathReason) -> None:
    transition = decided(outcome)

    assert (transition.state, transition.reason) == (JobState.DEAD, reason)
    assert error_of(transition)["message"] == "no account"


def test_the_fields_of_a_typed_error_are_kept() -> None:
    described = describe_error(ValueError("no"))
    typed = type(described)(type=described.type, message="no", traceback="", fields={"account": 7})

    assert error_of(decided(Fail(typed)))["fields"] == {"account": 7}


@pytest.mark.parametrize("hostile", ["a\x00b", "\ud800", "x" * 1_000_000])
def test_what_a_handler_says_can_always_be_stored(hostile: str) -> None:
    message = error_of(decided(Discard(hostile)))["message"]

    assert "\x00" not in message
    assert len(message.encode()) <= 4_000
