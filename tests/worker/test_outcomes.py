"""What becomes of a job because of what its handler answered, through a worker that really runs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_jobqueue import (
    Cancel,
    Constant,
    DeathReason,
    Discard,
    JobHandle,
    JobState,
    NoRetry,
    Retry,
    Snooze,
    Succeed,
    Unprocessable,
)

from .site import COMMITTED, Site, the_attempt_of

pytestmark = COMMITTED
FAR = datetime(2100, 1, 1, tzinfo=UTC)
HOUR = 3600.0
NOW = Constant(0)


def the_wait_of(handle: JobHandle) -> float:
    """Seconds from the end of the only kept run to the next."""
    run_at = handle.refresh().snapshot.run_at
    assert run_at is not None
    return (run_at - the_attempt_of(handle).ended_at).total_seconds()


@pytest.fixture(params=["returned", "raised"])
def answering(request: pytest.FixtureRequest, site: Site) -> Callable[..., JobHandle]:
    """Enqueue a job that gives this answer, by returning or by raising it, and run a worker."""

    def answered(answer: Exception, **options: Any) -> JobHandle:
        def give() -> object:
            if request.param == "raised":
                raise answer
            return answer

        handle = site.job(give, **options).enqueue()
        site.work()
        return handle.refresh()

    return answered


class TestSucceed:
    def test_a_plain_value_is_the_result_and_leaves_no_attempt_row(self, site: Site) -> None:
        @site.job
        def compute() -> dict[str, int]:
            return {"answer": 42}

        handle = compute.enqueue()
        site.work()

        assert handle.refresh().state == JobState.SUCCEEDED
        assert handle.result == {"answer": 42}
        assert (handle.snapshot.attempt, handle.error, handle.attempts) == (1, None, [])
        assert handle.snapshot.attempted_at is not None

    def test_its_result_is_stored(self, answering: Callable[..., JobHandle]) -> None:
        handle = answering(Succeed([1, "two"]))

        assert (handle.state, handle.result) == (JobState.SUCCEEDED, [1, "two"])

    @pytest.mark.parametrize(
        ("value", "marker"),
        [
            (object(), "object"),
            ({1, 2}, "set"),
            (float("nan"), "float"),
            ("\x00", "str"),
            ("x" * 70_000, "str"),
        ],
        ids=["object", "set", "NaN", "NUL", "too large"],
    )
    def test_a_result_that_cannot_be_stored_is_replaced_and_the_work_is_not_repeated(
        self, site: Site, value: object, marker: str
    ) -> None:
        runs = []

        @site.job
        def compute() -> object:
            runs.append(1)
            return value

        handle = compute.enqueue()
        site.work()

        assert handle.refresh().state == JobState.SUCCEEDED
        assert handle.result == {"_unserialisable": marker}
        assert len(runs) == 1

    def test_nothing_is_kept_of_a_success_where_the_handler_says_so(self, site: Site) -> None:
        runs = []

        @site.job(keep=False)
        def forget() -> None:
            runs.append(1)

        handle = forget.enqueue()
        site.work()

        assert (runs, site.registry.get("forget").keep) == ([1], False)
        with pytest.raises(Exception, match="in no table"):
            handle.refresh()

    def test_a_death_is_kept_even_where_successes_are_not(self, site: Site) -> None:
        @site.job(keep=False, max_attempts=1)
        def fail() -> None:
            raise ValueError

        handle = fail.enqueue()
        site.work()

        assert handle.refresh().state == JobState.DEAD


class TestFailure:
    def test_an_exception_spends_the_attempt_and_waits_for_the_backoff(self, site: Site) -> None:
        @site.job(backoff=Constant(60))
        def fail() -> None:
            raise ValueError("no luck")

        handle = fail.enqueue()
        site.work()

        attempt = the_attempt_of(handle)
        assert (handle.state, handle.snapshot.attempt) == (JobState.SCHEDULED, 1)
        assert handle.error == {"type": "ValueError", "message": "no luck"}
        assert (attempt.outcome, attempt.error_type) == ("failed", "ValueError")
        assert 'raise ValueError("no luck")' in attempt.traceback
        assert the_wait_of(handle) == pytest.approx(60, abs=1)

    def test_a_job_that_fails_and_then_succeeds_counts_its_runs_from_one(self, site: Site) -> None:
        runs = []

        @site.job(backoff=NOW, max_attempts=3)
        def flaky() -> int:
            runs.append(1)
            if len(runs) < 3:
                raise ConnectionError("try again")
            return len(runs)

        handle = flaky.enqueue()
        site.work()

        assert (handle.refresh().state, handle.result) == (JobState.SUCCEEDED, 3)
        assert [one.attempt for one in handle.attempts] == [1, 2]

    def test_the_last_attempt_makes_a_dead_letter_in_the_same_write(self, site: Site) -> None:
        @site.job(backoff=NOW, max_attempts=2)
        def fail() -> None:
            raise ValueError("no luck")

        handle = fail.enqueue()
        site.work()

        assert handle.refresh().state == JobState.DEAD
        assert handle.snapshot.reason == DeathReason.EXHAUSTED
        assert handle.snapshot.attempt == 2
        assert [facts["transition"].state for facts in site.told.of("job.dead")] == [JobState.DEAD]
        assert site.told.names.count("job.rescheduled") == 1


class TestRetry:
    def test_it_spends_the_attempt_and_waits_as_long_as_it_says(
        self, answering: Callable[..., JobHandle]
    ) -> None:
        handle = answering(Retry("busy", delay=HOUR), backoff=Constant(5))

        assert (handle.state, handle.snapshot.attempt) == (JobState.SCHEDULED, 1)
        assert handle.error == {"type": "Retry", "message": "busy"}
        assert the_wait_of(handle) == pytest.approx(HOUR, abs=1)

    def test_it_never_runs_sooner_than_the_backoff(
        self, answering: Callable[..., JobHandle]
    ) -> None:
        handle = answering(Retry(delay=1), backoff=Constant(HOUR))

        assert the_wait_of(handle) == pytest.approx(HOUR, abs=1)

    def test_it_runs_sooner_than_the_backoff_where_it_is_exact(
        self, answering: Callable[..., JobHandle]
    ) -> None:
        handle = answering(Retry(delay=60, exact=True), backoff=Constant(HOUR))

        assert the_wait_of(handle) == pytest.approx(60, abs=1)

    def test_it_runs_at_a_time(self, answering: Callable[..., JobHandle]) -> None:
        assert answering(Retry(at=FAR)).snapshot.run_at == FAR

    def test_a_time_before_the_end_of_the_backoff_waits_for_the_backoff(
        self, answering: Callable[..., JobHandle]
    ) -> None:
        soon = FAR - timedelta(days=365 * 80)

        handle = answering(Retry(at=soon), backoff=Constant(HOUR))

        assert the_wait_of(handle) == pytest.approx(HOUR, abs=1)

    def test_on_the_last_attempt_the_job_is_dead(self, answering: Callable[..., JobHandle]) -> None:
        handle = answering(Retry("busy", delay=HOUR), max_attempts=1)

        assert (handle.state, handle.snapshot.reason) == (JobState.DEAD, DeathReason.EXHAUSTED)
        assert handle.error == {"type": "Retry", "message": "busy"}

    def test_with_no_retry_the_first_attempt_is_the_last(
        self, answering: Callable[..., JobHandle]
    ) -> None:
        handle = answering(Retry("busy"), backoff=NoRetry())

        assert handle.snapshot.reason == DeathReason.EXHAUSTED


class TestSnooze:
    def test_it_gives_the_attempt_back_and_counts_the_reprocess(
        self, answering: Callable[..., JobHandle]
    ) -> None:
        handle = answering(Snooze(delay=HOUR))

        assert handle.state == JobState.SCHEDULED
        assert (handle.snapshot.attempt, handle.snapshot.reprocess_count) == (0, 1)
        assert the_attempt_of(handle).outcome == "snoozed"
        assert the_wait_of(handle) == pytest.approx(HOUR, abs=1)

    def test_it_is_not_sooner_than_the_backoff(self, answering: Callable[..., JobHandle]) -> None:
        handle = answering(Snooze(delay=1), backoff=Constant(HOUR))

        assert the_wait_of(handle) == pytest.approx(HOUR, abs=1)

    def test_it_waits_for_a_time(self, answering: Callable[..., JobHandle]) -> None:
        assert answering(Snooze(at=FAR)).snapshot.run_at == FAR

    def test_the_last_attempt_may_snooze(self, answering: Callable[..., JobHandle]) -> None:
        assert answering(Snooze(delay=HOUR), max_attempts=1).state == JobState.SCHEDULED


class TestEnds:
    def test_cancel_goes_to_the_archive(self, answering: Callable[..., JobHandle]) -> None:
        handle = answering(Cancel("not needed"))

        assert handle.state == JobState.CANCELLED
        assert handle.error == {"type": "Cancel", "message": "not needed"}
        assert the_attempt_of(handle).outcome == "cancelled"

    def test_discard_gives_up_for_good(self, answering: Callable[..., JobHandle]) -> None:
        handle = answering(Discard("no such account"))

        assert (handle.state, handle.snapshot.reason) == (JobState.DEAD, DeathReason.DISCARDED)
        assert handle.error == {"type": "Discard", "message": "no such account"}

    def test_unprocessable_says_that_it_can_never_work(
        self, answering: Callable[..., JobHandle]
    ) -> None:
        handle = answering(Unprocessable("no such file"))

        assert (handle.state, handle.snapshot.reason) == (JobState.DEAD, DeathReason.UNPROCESSABLE)
        assert the_attempt_of(handle).message == "no such file"

    def test_a_reason_of_any_kind_can_be_stored(self, answering: Callable[..., JobHandle]) -> None:
        handle = answering(Discard("\x00\ud800" + "x" * 100_000))

        message = str((handle.error or {})["message"])
        assert message.startswith("\ufffd\\ud800")
        assert len(message) < 3_000
