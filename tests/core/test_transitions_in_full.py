"""All that is written because of an outcome, and nothing else."""

from typing import Any

import pytest

from django_jobqueue.core.backoff import Constant
from django_jobqueue.core.error_text import ErrorDescription
from django_jobqueue.core.outcomes import (
    Bury,
    Cancel,
    Discard,
    Fail,
    Release,
    Rescue,
    Retry,
    Snooze,
    Unprocessable,
)
from django_jobqueue.core.specs import AttemptReport, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.core.transitions import decide
from tests.claims import MOMENT, a_claim

BACKOFF = Constant(10)
REFUSED = ErrorDescription(
    type="OSError", message="refused", traceback="a line", fields={"code": 5}
)
REFUSED_JSON = '{"type":"OSError","message":"refused","fields":{"code":5}}'
REFUSED_REPORT = AttemptReport(
    outcome="failed", error_type="OSError", message="refused", traceback="a line"
)
RETRY_REPORT = AttemptReport(outcome="failed", error_type="Retry", message="busy")


@pytest.mark.parametrize(
    ("outcome", "written"),
    [
        (
            Snooze(delay=60),
            Transition(
                state=JobState.SCHEDULED,
                delay=60.0,
                attempt_change=-1,
                reprocess_change=1,
                report=AttemptReport(outcome="snoozed"),
            ),
        ),
        (
            Snooze(at=MOMENT),
            Transition(
                state=JobState.SCHEDULED,
                delay=10.0,
                run_at=MOMENT,
                attempt_change=-1,
                reprocess_change=1,
                report=AttemptReport(outcome="snoozed"),
            ),
        ),
        (
            Release("shutdown"),
            Transition(
                state=JobState.READY,
                attempt_change=-1,
                keeps_place=True,
                report=AttemptReport(outcome="released", message="shutdown"),
            ),
        ),
        (
            Release("full", delay=0.5),
            Transition(
                state=JobState.SCHEDULED,
                delay=0.5,
                attempt_change=-1,
                report=AttemptReport(outcome="released", message="full"),
            ),
        ),
        (
            Rescue("killed by SIGSEGV"),
            Transition(
                state=JobState.READY,
                attempt_change=-1,
                reprocess_change=1,
                rescue_change=1,
                error='{"type":"WorkerDied","message":"killed by SIGSEGV"}',
                report=AttemptReport(
                    outcome="rescued", error_type="WorkerDied", message="killed by SIGSEGV"
                ),
            ),
        ),
        (
            Cancel("sold"),
            Transition(
                state=JobState.CANCELLED,
                error='{"type":"Cancel","message":"sold"}',
                report=AttemptReport(outcome="cancelled", message="sold"),
            ),
        ),
        (
            Discard("no account"),
            Transition(
                state=JobState.DEAD,
                reason=DeathReason.DISCARDED,
                error='{"type":"Discard","message":"no account"}',
                report=AttemptReport(
                    outcome="discarded", error_type="Discard", message="no account"
                ),
            ),
        ),
        (
            Unprocessable("no user"),
            Transition(
                state=JobState.DEAD,
                reason=DeathReason.UNPROCESSABLE,
                error='{"type":"Unprocessable","message":"no user"}',
                report=AttemptReport(
                    outcome="unprocessable", error_type="Unprocessable", message="no user"
                ),
            ),
        ),
        (
            Unprocessable(
                "no user", error=ErrorDescription(type="KeyError", message="7", traceback="line 1")
            ),
            Transition(
                state=JobState.DEAD,
                reason=DeathReason.UNPROCESSABLE,
                error='{"type":"KeyError","message":"7"}',
                report=AttemptReport(
                    outcome="unprocessable",
                    error_type="KeyError",
                    message="7",
                    traceback="line 1",
                ),
            ),
        ),
        (
            Bury(DeathReason.EXPIRED, "an hour late"),
            Transition(
                state=JobState.DEAD,
                reason=DeathReason.EXPIRED,
                error='{"type":"expired","message":"an hour late"}',
                attempt_change=-1,
                report=AttemptReport(outcome="expired", message="an hour late"),
            ),
        ),
        (
            Retry("busy"),
            Transition(
                state=JobState.SCHEDULED,
                delay=10.0,
                error='{"type":"Retry","message":"busy"}',
                report=RETRY_REPORT,
            ),
        ),
        (
            Fail(REFUSED),
            Transition(
                state=JobState.SCHEDULED, delay=10.0, error=REFUSED_JSON, report=REFUSED_REPORT
            ),
        ),
        (
            Fail(REFUSED, retryable=False),
            Transition(
                state=JobState.DEAD,
                reason=DeathReason.DISCARDED,
                error=REFUSED_JSON,
                report=REFUSED_REPORT,
            ),
        ),
    ],
    ids=repr,
)
def test_nothing_else_is_written_because_of_an_outcome(outcome: Any, written: Transition) -> None:
    assert decide(a_claim(), outcome, BACKOFF) == written


def test_the_last_attempt_that_failed_is_written_with_its_error_and_its_run() -> None:
    assert decide(a_claim(attempt=3), Fail(REFUSED), BACKOFF) == Transition(
        state=JobState.DEAD,
        reason=DeathReason.EXHAUSTED,
        error=REFUSED_JSON,
        report=REFUSED_REPORT,
    )
