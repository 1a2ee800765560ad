"""An async handler that is interrupted while it waits for its database."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from django_jobqueue import JobState, cancel

from .site import COMMITTED, PATIENCE, Site, the_attempt_of
from .statements import ask, wait_in_sql

pytestmark = COMMITTED

TIMED_OUT = "django_jobqueue.core.errors.JobTimedOut"


class Stuck:
    """A handler that waits in SQL, and says when."""

    def __init__(self) -> None:
        self.began = threading.Event()

    async def run(self) -> None:
        await sync_to_async(self._wait)()

    def _wait(self) -> None:
        connection.ensure_connection()
        self.began.set()
        wait_in_sql()


@pytest.fixture
def stuck() -> Stuck:
    return Stuck()


def test_its_timeout_frees_the_thread_for_the_others(site: Site) -> None:
    @site.job(timeout=0.3, max_attempts=1)
    async def wait() -> None:
        await sync_to_async(wait_in_sql)()

    @site.job
    async def other() -> int:
        return await sync_to_async(ask)()

    waiting, others = wait.enqueue(), [other.enqueue() for _ in range(3)]
    site.work()

    assert waiting.refresh().state == JobState.DEAD
    assert the_attempt_of(waiting).error_type == TIMED_OUT
    assert [handle.refresh().result for handle in others] == [1, 1, 1]


def test_its_cancellation_frees_it(site: Site, stuck: Stuck) -> None:
    @site.job
    async def wait() -> None:
        await stuck.run()

    @site.job
    async def other() -> int:
        return await sync_to_async(ask)()

    handle = wait.enqueue()
    with site.working(heartbeat_interval=0.05, lease=5):
        assert stuck.began.wait(PATIENCE)
        waiting = other.enqueue()
        cancel(handle.id)

        assert handle.wait(PATIENCE).state == JobState.CANCELLED
        assert waiting.wait(PATIENCE).result == 1


def test_the_end_of_its_worker_gives_it_back(site: Site, stuck: Stuck) -> None:
    @site.job
    async def wait() -> None:
        await stuck.run()

    handle = wait.enqueue()
    with site.working(drain=0.2) as it:
        assert stuck.began.wait(PATIENCE)
        it.worker.stop()
        it.end()
        assert not it.worker.abandoned

    assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.READY, 0)


def test_a_limit_of_its_own_lets_it_go_on_with_other_sql(site: Site) -> None:
    @site.job
    async def wait_briefly() -> int:
        try:
            async with asyncio.timeout(0.1):
                await sync_to_async(wait_in_sql)()
        except TimeoutError:
            return await sync_to_async(ask)()
        return 0

    handle = wait_briefly.enqueue()
    site.work()

    assert handle.refresh().result == 1


def test_what_it_asks_while_it_is_being_cancelled_is_answered(site: Site) -> None:
    asked: list[int] = []

    @site.job(timeout=0.3, max_attempts=1)
    async def clean_up() -> None:
        try:
            await sync_to_async(wait_in_sql)()
        finally:
            asked.append(await sync_to_async(ask)())

    handle = clean_up.enqueue()
    site.work()

    assert the_attempt_of(handle).error_type == TIMED_OUT
    assert asked == [1]
