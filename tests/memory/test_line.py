"""Lines of one process."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_jobqueue import Acquired, Busy, Line, LineStatus

from .lines import acquired, waiters_of
from .operations import PATIENCE, until


@pytest.fixture
def line() -> Line:
    return Line("credential")


class TestAcquiring:
    def test_the_first_caller_gets_the_token(self, line):
        match line.try_acquire_token():
            case Acquired(token):
                assert token.is_held
            case Busy():
                raise AssertionError

    def test_the_others_get_the_wait_for_it_and_are_not_blocked(self, line):
        with acquired(line):
            match line.try_acquire_token():
                case Busy(shared):
                    assert shared.wait(0) is False
                case _:
                    raise AssertionError

    def test_the_wait_returns_when_the_holder_is_done(self, line):
        with acquired(line):
            busy = line.try_acquire_token()

        assert busy.shared.wait(PATIENCE)
        assert asyncio.run(busy.shared.wait_async(PATIENCE))

    def test_the_wait_is_for_that_holder_and_not_for_the_next(self, line):
        with acquired(line):
            busy = line.try_acquire_token()

        with acquired(line):
            assert busy.shared.wait(0)
            assert not line.try_acquire_token().shared.wait(0)

    def test_all_waiters_wake_at_once_and_none_holds_the_token(self, line):
        token = acquired(line)
        busy = line.try_acquire_token()
        found: list[LineStatus] = []

        def wait() -> None:
            assert line.try_acquire_token().shared.wait(PATIENCE)
            found.append(line.status())

        with ThreadPoolExecutor(50) as pool:
            waits = [pool.submit(wait) for _ in range(50)]
            until(lambda: waiters_of(busy) == 50)
            token.release()
            for done in waits:
                done.result(PATIENCE)

        assert found == [LineStatus.FREE] * 50

    def test_the_line_is_free_before_its_waiters_wake(self, line):
        token = acquired(line)
        busy = line.try_acquire_token()
        seen: list[LineStatus] = []
        busy.shared._wakers["looks"] = lambda: seen.append(line.status())

        token.release()

        assert seen == [LineStatus.FREE]

    def test_two_lines_have_nothing_to_do_with_each_other(self):
        one, other = Line("a"), Line("a")

        with acquired(one), acquired(other):
            assert one.status() is other.status() is LineStatus.BUSY

    def test_of_many_threads_exactly_one_works_at_a_time(self, line):
        together = threading.Barrier(8, timeout=PATIENCE)
        working = most = worked = 0

        def work() -> None:
            nonlocal working, most, worked
            together.wait()
            done = 0
            while done < 50:
                match line.try_acquire_token():
                    case Acquired(token):
                        with token:
                            working += 1
                            most = max(most, working)
                            worked += 1
                            working -= 1
                        done += 1
                    case Busy(shared):
                        assert shared.wait(PATIENCE)

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(work) for _ in range(8)]:
                done.result(PATIENCE)

        assert (most, worked) == (1, 400)

    def test_a_scope_that_does_not_exist_is_refused(self):
        with pytest.raises(ValueError, match="scope='universe' must be one of 'process'"):
            Line("a", scope="universe")


class TestStatus:
    def test_a_line_is_busy_while_its_token_is_held(self, line):
        assert line.status() is LineStatus.FREE
        with acquired(line):
            assert line.status() is LineStatus.BUSY
        assert line.status() is LineStatus.FREE

    def test_looking_touches_nothing(self, line):
        line.status()

        with acquired(line) as token:
            line.status()
            assert token.is_held


class TestAsync:
    def test_coroutines_take_turns_as_threads_do(self, line):
        async def fetch(tokens: list[str]) -> None:
            while not tokens:
                match await line.atry_acquire_token():
                    case Acquired(token):
                        async with token:
                            await asyncio.sleep(0)
                            tokens.append("new")
                    case Busy(shared):
                        await shared

        async def main() -> list[str]:
            tokens: list[str] = []
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(fetch(tokens))
            return tokens

        assert asyncio.run(main()) == ["new"]

    def test_threads_and_coroutines_share_a_line(self, line):
        async def main() -> None:
            busy = await line.atry_acquire_token()
            assert await line.astatus() is LineStatus.BUSY
            async with asyncio.timeout(PATIENCE):
                threading.Thread(target=token.release).start()
                await busy.shared

        token = acquired(line)

        asyncio.run(main())

        assert line.status() is LineStatus.FREE

    def test_a_coroutine_that_is_cancelled_releases_its_token(self, line):
        async def work() -> None:
            async with (await line.atry_acquire_token()).token:
                await asyncio.Event().wait()

        async def main() -> None:
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            assert line.status() is LineStatus.BUSY
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(main())

        assert line.status() is LineStatus.FREE


class TestBackends:
    def test_a_line_may_be_kept_elsewhere(self):
        class Shelf:
            def __init__(self) -> None:
                self.asked: list[str] = []

            def is_held(self, name: str) -> bool:
                self.asked.append(name)
                return True

        shelf = Shelf()

        assert Line("a", backend=shelf).status() is LineStatus.BUSY
        assert shelf.asked == ["a"]
