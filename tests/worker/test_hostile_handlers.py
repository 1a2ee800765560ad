"""Whatever a handler raises, its attempt is recorded and the worker goes on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from django_jobqueue import DeathReason, JobHandle, JobState

from .site import COMMITTED, Site, the_attempt_of

pytestmark = COMMITTED


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class EndsTheProcessWhenPrinted(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)

    __repr__ = __str__


@dataclass
class CardDeclined(Exception):
    account: int
    reason: str


def with_a_cyclic_cause() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest, site: Site) -> Callable[..., JobHandle]:
    """Run a job, sync or async, that raises this error; then one that must work in its slot."""

    def ran(error: BaseException, **options: Any) -> JobHandle:
        def fail() -> None:
            raise error

        async def fail_async() -> None:
            raise error

        def work() -> str:
            return "alive"

        async def work_async() -> str:
            return "alive"

        is_async = request.param == "async"
        failing = site.job(fail_async if is_async else fail, **options).enqueue()
        working = site.job(work_async if is_async else work).enqueue()
        site.work(concurrency=1, async_concurrency=1)
        assert working.result == "alive"
        return failing

    return ran


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError("no"), GeneratorExit()],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_that_ends_programs_is_a_failed_attempt(
    run: Callable[..., JobHandle], error: BaseException
) -> None:
    handle = run(error)

    assert (handle.state, handle.snapshot.attempt) == (JobState.SCHEDULED, 1)
    assert the_attempt_of(handle).error_type.endswith(type(error).__name__)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("a\x00b"), "a\ufffdb"),
        (ValueError("a\ud800b"), "a\\ud800b"),
        (ValueError("x" * 3_000_000), "left out"),
        (UnprintableError(), "cannot be printed"),
        (EndsTheProcessWhenPrinted(), "cannot be printed"),
        (with_a_cyclic_cause(), "first"),
        (ExceptionGroup("many", [ValueError("one"), TypeError("two")]), "many (2 sub-exceptions)"),
        (MemoryError(), ""),
        (RecursionError("deep"), "deep"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_a_hostile_exception_is_recorded_as_far_as_it_can_be(
    run: Callable[..., JobHandle], error: Exception, message: str
) -> None:
    handle = run(error, max_attempts=1)

    assert (handle.state, handle.snapshot.reason) == (JobState.DEAD, DeathReason.EXHAUSTED)
    attempt = the_attempt_of(handle)
    assert message in attempt.message
    assert attempt.error_type.endswith(type(error).__name__)
    assert len(attempt.message) + len(attempt.traceback) < 40_000


def test_the_members_of_a_group_are_in_its_traceback(run: Callable[..., JobHandle]) -> None:
    handle = run(ExceptionGroup("many", [ValueError("one"), TypeError("two")]))

    traceback = the_attempt_of(handle).traceback
    assert "ValueError: one" in traceback
    assert "TypeError: two" in traceback


def test_the_fields_of_a_typed_error_are_stored(run: Callable[..., JobHandle]) -> None:
    handle = run(CardDeclined(account=7, reason="expired"))

    assert handle.error is not None
    assert handle.error["type"] == f"{__name__}.CardDeclined"
    assert handle.error["fields"] == {"account": 7, "reason": "expired"}


def test_a_traceback_holds_no_local_variables(site: Site) -> None:
    @site.job
    def leak(password: str) -> None:
        doubled = password + password
        raise ValueError(len(doubled))

    handle = leak.enqueue("hunter2")
    site.work()

    attempt = the_attempt_of(handle)
    assert "doubled = password + password" not in attempt.traceback
    assert "hunter2" not in attempt.traceback
    assert "raise ValueError(len(doubled))" in attempt.traceback


@pytest.mark.parametrize("inner", [SystemExit(3), KeyboardInterrupt()], ids=["exit", "interrupt"])
def test_a_task_of_an_async_handler_that_exits_does_not_end_the_loop(
    site: Site, inner: BaseException
) -> None:
    async def give_up() -> None:
        raise inner

    @site.job(max_attempts=1)
    async def scatter() -> None:
        await asyncio.gather(give_up(), return_exceptions=False)

    @site.job
    async def work() -> str:
        return "alive"

    scattered, working = scatter.enqueue(), work.enqueue()
    site.work(async_concurrency=1)

    assert scattered.state == JobState.DEAD
    assert working.result == "alive"


@pytest.mark.parametrize(
    "answer",
    [
        {"delay": "soon"},
        {"delay": float("nan")},
        {"delay": float("inf")},
        {"at": "tomorrow"},
        {"at": datetime(2100, 1, 1)},  # noqa: DTZ001 - which is what is wrong with it
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["Retry", "Snooze"])
def test_an_answer_with_an_impossible_time_is_a_failed_attempt(
    run: Callable[..., JobHandle], site: Site, kind: str, answer: dict[str, Any]
) -> None:
    import django_jobqueue

    make = getattr(django_jobqueue, kind)

    def confused() -> object:
        return make(**answer)

    handle = site.job(confused, max_attempts=1).enqueue()
    run(ValueError())

    assert handle.state == JobState.DEAD
    assert the_attempt_of(handle).error_type == "ValueError"
