"""A strategy that refuses while what its handlers need is down."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from django_jobqueue import Breaker, Constant, JobState, PermitStrategy, Retry, Snooze, TryAfter
from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.models import Job
from tests.claims import a_claim

from .bench import Time
from .site import Site
from .strategies import Answering, no_permit_is_held

JOB = a_claim()
BACKOFF = Constant(300, jitter=0)


class TestJudging:
    @pytest.fixture
    def time(self) -> Time:
        return Time()

    @pytest.fixture
    def breaker(self, time: Time) -> Breaker:
        return Breaker(failures=3, pause=30, elapsed=time)

    def fail(self, breaker: Breaker, *, times: int) -> None:
        for _ in range(times):
            breaker.ran(JOB, has_failed=True)

    def refuses(self, breaker: Breaker) -> bool:
        return isinstance(breaker.acquire(JOB), TryAfter)

    def test_it_grants_until_enough_have_failed(self, breaker: Breaker) -> None:
        self.fail(breaker, times=2)
        assert not self.refuses(breaker)

        self.fail(breaker, times=1)
        assert self.refuses(breaker)

    def test_only_failures_in_a_row_count(self, breaker: Breaker) -> None:
        self.fail(breaker, times=2)
        breaker.ran(JOB, has_failed=False)
        self.fail(breaker, times=2)

        assert not self.refuses(breaker)

    def test_it_refuses_for_what_is_left_of_the_pause(self, breaker: Breaker, time: Time) -> None:
        self.fail(breaker, times=3)
        time.passes(12)

        assert breaker.acquire(JOB) == TryAfter(18)

    def test_after_the_pause_one_run_may_try(self, breaker: Breaker, time: Time) -> None:
        self.fail(breaker, times=3)
        time.passes(30)

        assert [self.refuses(breaker) for _ in range(3)] == [False, True, True]

    def test_if_that_fails_there_is_another_pause(self, breaker: Breaker, time: Time) -> None:
        self.fail(breaker, times=3)
        time.passes(30)
        breaker.acquire(JOB)
        time.passes(20)
        self.fail(breaker, times=1)

        assert breaker.acquire(JOB) == TryAfter(30)

    def test_if_it_succeeds_all_run_again(self, breaker: Breaker, time: Time) -> None:
        self.fail(breaker, times=3)
        time.passes(30)
        breaker.acquire(JOB)
        breaker.ran(JOB, has_failed=False)
        self.fail(breaker, times=2)

        assert not self.refuses(breaker)

    def test_if_nothing_is_heard_of_it_the_next_one_may_try(
        self, breaker: Breaker, time: Time
    ) -> None:
        self.fail(breaker, times=3)
        time.passes(30)
        breaker.acquire(JOB)
        time.passes(30)

        assert not self.refuses(breaker)

    @pytest.mark.parametrize("options", [{"failures": 0}, {"pause": 0}, {"pause": -1}])
    def test_what_could_never_work_is_refused(self, options: dict[str, int]) -> None:
        [(name, value)] = options.items()

        with pytest.raises(ValueError, match=rf"Breaker\({name}={value}\)"):
            Breaker(**options)


class Judge(PermitStrategy):
    """Grants, and remembers what came of the runs."""

    def __init__(self, error: Exception | None = None) -> None:
        self.failed: list[bool] = []
        self.error = error

    def acquire(self, job: ClaimedJob) -> AbstractContextManager[None]:
        return nullcontext()

    def ran(self, job: ClaimedJob, *, has_failed: bool) -> None:
        self.failed.append(has_failed)
        if self.error is not None:
            raise self.error


@pytest.mark.django_db(transaction=True)
class TestBesideRuns:
    @pytest.fixture(autouse=True)
    def all_is_left(self) -> Iterator[None]:
        yield
        assert no_permit_is_held()

    @pytest.mark.parametrize(
        ("answer", "has_failed"),
        [(None, False), (Retry("later"), True), (Snooze(60), False), (OSError("down"), True)],
        ids=["success", "retry", "snooze", "exception"],
    )
    def test_a_strategy_is_told_what_came_of_a_run(
        self, site: Site, answer: Any, has_failed: bool
    ) -> None:
        judge = Judge()

        def answered() -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        @site.job(permits=[judge])
        def run() -> Any:
            return answered()

        @site.job(name="async", permits=[judge])
        async def run_async() -> Any:
            return answered()

        run.enqueue()
        run_async.enqueue()
        site.work()

        assert judge.failed == [has_failed, has_failed]

    def test_it_is_told_nothing_of_a_job_that_was_refused(self, site: Site) -> None:
        judge = Judge()
        runs = site.counted("work", permits=[judge, Answering(TryAfter(60))])
        site.declared["work"].enqueue()
        site.work()

        assert (runs, judge.failed) == ([], [])

    def test_one_that_raises_hurts_neither_the_job_nor_the_others(self, site: Site) -> None:
        broken, other = Judge(OSError("no judgement")), Judge()
        site.counted("work", permits=[broken, other])
        handle = site.declared["work"].enqueue()
        site.work()

        assert handle.state is JobState.SUCCEEDED
        assert other.failed == [False]
        assert str(site.told.of("job.permit_failed")[0]["error"]) == "no judgement"

    def test_while_it_refuses_the_others_run_on_and_no_attempt_is_spent(self, site: Site) -> None:
        tried: list[int] = []

        @site.job(permits=[Breaker(failures=3, pause=300)], backoff=BACKOFF)
        def ask(number: int) -> None:
            tried.append(number)
            raise ConnectionError("nobody answers")

        others = site.counted("other")
        ask.enqueue_many({"number": number} for number in range(10))
        for _ in range(10):
            site.declared["other"].enqueue()
        site.work(concurrency=1)

        assert tried == [0, 1, 2]
        assert len(others) == 10
        rows = Job.objects.order_by("id").values_list("state", "attempt")
        assert list(rows) == [(JobState.SCHEDULED, 1)] * 3 + [(JobState.SCHEDULED, 0)] * 7
