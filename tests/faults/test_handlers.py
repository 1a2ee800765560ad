"""What handlers do to their thread, their loop and their session, and what others notice of it."""

import asyncio

import pytest
from django.db import connection
from django.test import override_settings

from django_jobqueue.core.states import JobState
from django_jobqueue.models import WorkerRecord
from django_jobqueue.worker.loop_watch import LoopWatch
from tests.worker.site import COMMITTED, PATIENCE, Gate, Site, within

pytestmark = COMMITTED


@pytest.mark.postgresql
def test_a_role_and_a_lock_of_a_session_end_with_its_job(site: Site) -> None:
    def leave() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE pg_read_all_data")
            cursor.execute("SELECT pg_advisory_lock(4711)")

    def look() -> list[object]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user <> 'pg_read_all_data', pg_try_advisory_lock(4711)")
            return list(cursor.fetchone())

    site.job(leave).enqueue()
    looked = site.job(look).enqueue()
    site.work(concurrency=1)

    assert looked.refresh().result == [True, True]


def test_queries_that_debug_remembers_do_not_outlive_their_job(site: Site) -> None:
    def ask() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return len(connection.queries_log)

    asked = [site.job(ask, name=f"ask {n}").enqueue() for n in range(3)]
    with override_settings(DEBUG=True):
        site.work(concurrency=1)

    assert [one.refresh().result for one in asked] == [1, 1, 1]


def test_a_handler_that_holds_the_loop_does_not_hold_up_heartbeats(site: Site) -> None:
    gate = Gate()

    async def block() -> None:
        gate.pass_through()  # nothing is awaited: the loop stands still

    handle = site.job(block).enqueue()
    other = site.counted("sync")
    with site.working(heartbeat_interval=0.02, lease=0.5):
        gate.entered()
        renewed = WorkerRecord.objects.get().lease_expires_at
        assert within(PATIENCE, lambda: WorkerRecord.objects.get().lease_expires_at > renewed)
        site.declared["sync"].enqueue()
        site.told.wait_for("job.succeeded")
        assert other == ["sync"]
        gate.open()
        site.told.wait_for("job.succeeded", times=2)

    assert handle.refresh().state == JobState.SUCCEEDED


class TestALoopThatStandsStill:
    def test_is_told_once_with_the_job_that_holds_it(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(LoopWatch, "BLOCKED_SECONDS", 0.1)
        monkeypatch.setattr(LoopWatch, "LOOK_SECONDS", 0.02)
        gate = Gate()

        async def block() -> None:
            gate.pass_through()

        async def wait() -> None:
            await asyncio.sleep(0)

        handle = site.job(block).enqueue()
        with site.working():
            gate.entered()
            site.job(wait).enqueue()
            told = site.told.wait_for("loop.blocked")
            told_again = within(0.2, lambda: len(site.told.of("loop.blocked")) > 1)
            gate.open()
            site.told.wait_for("job.succeeded", times=2)

        assert told["job"].id == handle.id
        assert told["seconds"] >= 0.1
        assert not told_again

    def test_one_that_awaits_is_never_told(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(LoopWatch, "LOOK_SECONDS", 0.02)

        async def wait() -> None:
            await asyncio.sleep(0.3)

        handle = site.job(wait).enqueue()
        site.work()

        assert handle.refresh().state == JobState.SUCCEEDED
        assert site.told.of("loop.blocked") == []
