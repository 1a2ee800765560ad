"""Lines that processes share; another process is played by its row."""

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction

from django_jobqueue import Acquired, Busy, Line, LineStatus
from django_jobqueue.jobs.lines import ClusterWait
from django_jobqueue.memory.waiting import Moment
from django_jobqueue.models import LineRecord

from .lines import (
    PATIENCE,
    acquired,
    held_elsewhere,
    lapse,
    released_elsewhere,
    until,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("keeper_at_rest"),
]


def in_thread(work):
    """Wrap work for a thread of its own, whose connection it closes."""

    def run():
        try:
            return work()
        finally:
            connection.close()

    return run


class TestAcquiring:
    def test_the_first_caller_gets_the_token_and_the_row(self, line):
        with acquired(line) as token:
            row = LineRecord.objects.get()
            assert row.name == "api"
            assert token.is_held

        assert not LineRecord.objects.exists()
        assert not token.is_held

    def test_all_lines_of_one_name_are_one_line(self, line):
        with acquired(line):
            assert isinstance(Line("api", scope="cluster").try_acquire_token(), Busy)
            assert isinstance(Line("other", scope="cluster").try_acquire_token(), Acquired)

    def test_a_line_that_another_process_holds_is_busy(self, line):
        token = held_elsewhere()

        assert isinstance(line.try_acquire_token(), Busy)
        assert line.status() is LineStatus.BUSY

        released_elsewhere(token)
        assert line.status() is LineStatus.FREE
        with acquired(line):
            pass

    def test_a_dead_holder_loses_its_line(self, line):
        lapse(held_elsewhere())

        with acquired(line) as token:
            assert token.is_held

    def test_a_holder_that_was_done_between_the_two_looks_is_not_waited_for(self, line):
        assert ClusterWait("api", None).wait(0)

    def test_of_many_threads_exactly_one_works_at_a_time(self, line):
        together = threading.Barrier(6, timeout=PATIENCE)
        working: list[int] = []
        most = 0

        def work() -> None:
            nonlocal most
            together.wait()
            while True:
                match line.try_acquire_token():
                    case Acquired(token):
                        with token:
                            working.append(1)
                            most = max(most, len(working))
                            working.pop()
                        return
                    case Busy(shared):
                        assert shared.wait(PATIENCE)

        with ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(in_thread(work)) for _ in range(6)]:
                done.result(PATIENCE)

        assert most == 1

    @pytest.mark.parametrize("name", ["", "x" * 256, "a\x00b"])
    def test_a_name_that_no_row_can_have_is_refused(self, name):
        line = Line(name, scope="cluster")

        with pytest.raises(ValueError, match="needs a name of 1 to 255 characters"):
            line.try_acquire_token()
        with pytest.raises(ValueError, match="needs a name of 1 to 255 characters"):
            line.status()

    def test_the_holder_passes_with_its_own_token(self, line):
        with acquired(line) as token:
            with line.try_acquire_token().or_token(token).token as inner:
                assert inner.is_held
            assert token.is_held
            assert line.status() is LineStatus.BUSY


class TestWaiting:
    def waiting(self, pool: ThreadPoolExecutor, busy: Busy) -> "Future[bool]":
        return pool.submit(in_thread(lambda: busy.shared.wait(PATIENCE)))

    def test_the_wait_ends_when_the_other_process_releases_the_line(self, line):
        token = held_elsewhere()
        busy = line.try_acquire_token()
        assert busy.shared.wait(0.01) is False

        with ThreadPoolExecutor(1) as pool:
            wait = self.waiting(pool, busy)
            assert not wait.done()
            released_elsewhere(token)

            assert wait.result(PATIENCE)

    def test_the_wait_ends_when_the_other_process_has_lost_its_lease(self, line):
        token = held_elsewhere()
        busy = line.try_acquire_token()

        lapse(token)

        assert busy.shared.wait(PATIENCE)

    def test_the_wait_is_for_that_holder_and_not_for_the_next(self, line):
        lapse(held_elsewhere())
        first = held_elsewhere()
        busy = line.try_acquire_token()
        lapse(first)
        held_elsewhere()

        assert busy.shared.wait(0)
        assert not line.try_acquire_token().shared.wait(0)

    def test_who_waits_for_a_holder_in_the_same_process_needs_no_database(self, line):
        with acquired(line) as token:
            shared = line.try_acquire_token().shared

        assert isinstance(shared, Moment)
        assert shared.wait(0)
        assert not token.is_held

    def test_the_line_is_free_before_its_waiters_wake(self, line):
        token = acquired(line)
        shared = line.try_acquire_token().shared
        found: list[LineStatus] = []
        shared._wakers["looks"] = lambda: found.append(line.status())

        token.release()

        assert found == [LineStatus.FREE]


class TestAsync:
    def test_coroutines_take_turns(self, line):
        secrets: list[str] = []

        async def fetch() -> None:
            while not secrets:
                match await line.atry_acquire_token():
                    case Acquired(token):
                        async with token:
                            assert await line.astatus() is LineStatus.BUSY
                            secrets.append("new")
                    case Busy(shared):
                        await shared

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(5):
                    group.create_task(fetch())

        async_to_sync(main)()

        assert secrets == ["new"]
        assert not LineRecord.objects.exists()

    def test_a_coroutine_waits_for_another_process(self, line):
        token = held_elsewhere()

        async def main() -> None:
            busy = await line.atry_acquire_token()
            wait = asyncio.ensure_future(busy.shared)
            await asyncio.wait([wait], timeout=0.02)
            assert not wait.done()
            lapse_later = asyncio.get_running_loop().run_in_executor(
                None, in_thread(lambda: released_elsewhere(token))
            )
            async with asyncio.timeout(PATIENCE):
                await wait
                await lapse_later

        async_to_sync(main)()


class TestTransactions:
    def test_a_line_is_not_taken_inside_a_transaction(self, line):
        with (
            transaction.atomic(),
            pytest.raises(
                transaction.TransactionManagementError,
                match=r"the line 'api' cannot be used inside a transaction",
            ),
        ):
            line.try_acquire_token()

        assert not LineRecord.objects.exists()

    def test_nobody_waits_inside_a_transaction(self, line):
        held_elsewhere()
        busy = line.try_acquire_token()

        with transaction.atomic(), pytest.raises(transaction.TransactionManagementError):
            busy.shared.wait(PATIENCE)

    def test_a_token_that_is_released_inside_a_transaction_is_free_all_the_same(self, line):
        token = acquired(line)
        shared = line.try_acquire_token().shared

        with transaction.atomic():
            token.release()
            if connection.vendor == "postgresql":  # the transaction holds no lock on the row
                assert shared.wait(PATIENCE)

        assert shared.wait(PATIENCE)
        assert line.status() is LineStatus.FREE

    def test_a_rolled_back_transaction_does_not_bring_the_token_back(self, line):
        token = acquired(line)

        with transaction.atomic():
            token.release()
            transaction.set_rollback(True)

        until(lambda: line.status() is LineStatus.FREE)


@pytest.mark.django_db
class TestInTheTransactionOfATestCase:
    def test_a_line_can_be_used(self, line):
        with acquired(line) as token:
            assert token.is_held
            assert isinstance(line.try_acquire_token(), Busy)

        assert line.status() is LineStatus.FREE
