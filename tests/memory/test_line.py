"""Lines of one process."""

import asyncio
import gc
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from django_jobqueue import Acquired, Busy, Line, LineStatus

from .operations import PATIENCE, until


@pytest.fixture
def line() -> Line:
    return Line("credential")


def acquired(line: Line):
    outcome = line.try_acquire_token()
    assert isinstance(outcome, Acquired)
    return outcome.token


def waiters_of(busy: Busy) -> int:
    return len(busy.shared._wakers)


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


class TestReleasing:
    def test_a_token_is_released_at_the_end_of_its_block(self, line):
        with acquired(line) as token:
            pass

        assert not token.is_held
        assert line.status() is LineStatus.FREE

    def test_a_block_that_raises_releases_it_too(self, line):
        with suppress(KeyboardInterrupt), acquired(line):
            raise KeyboardInterrupt

        assert line.status() is LineStatus.FREE

    def test_a_token_that_is_dropped_is_released_and_wakes_its_waiters(self, line):
        outcome = line.try_acquire_token()
        busy = line.try_acquire_token()

        del outcome

        assert line.status() is LineStatus.FREE
        assert busy.shared.wait(0)

    def test_an_answer_that_nobody_kept_holds_nothing(self, line):
        line.try_acquire_token()

        assert line.status() is LineStatus.FREE

    def test_a_token_in_a_cycle_is_released_by_the_garbage_collector(self, line):
        cycle: list[object] = [acquired(line)]
        cycle.append(cycle)
        busy = line.try_acquire_token()
        del cycle
        assert line.status() is LineStatus.BUSY

        gc.collect()

        assert busy.shared.wait(0)

    def test_releasing_twice_only_logs(self, line, caplog):
        token = acquired(line)
        token.release()
        assert caplog.records == []

        token.release()

        [told] = caplog.records
        assert told.levelno == logging.WARNING
        assert told.getMessage() == "a token of the line 'credential' was released before"

    def test_releasing_late_does_not_end_the_turn_of_the_next_holder(self, line):
        late = acquired(line)
        late.release()

        with acquired(line) as token:
            late.release()
            del late
            assert token.is_held
            assert line.status() is LineStatus.BUSY

    def test_a_release_that_was_interrupted_is_made_good_when_the_token_is_dropped(self, line):
        token = acquired(line)
        busy = line.try_acquire_token()
        token._is_first_release()  # and then, before the line was freed, a timeout

        del token

        assert line.status() is LineStatus.FREE
        assert busy.shared.wait(0)

    def test_a_token_of_a_process_is_never_lost(self, line):
        token = acquired(line)

        token.check()

        assert not token.is_lost


class TestReentering:
    def test_the_holder_passes_with_its_own_token(self, line):
        token = acquired(line)

        outcome = line.try_acquire_token().or_token(token)

        assert isinstance(outcome, Acquired)
        assert outcome.token == token

    def test_without_a_token_the_answer_stays(self, line):
        token = acquired(line)
        busy = line.try_acquire_token()

        assert busy.or_token(None) is busy
        token.release()

    def test_who_acquired_needs_no_other_token(self, line):
        outcome = line.try_acquire_token()

        assert outcome.or_token(None) is outcome

    def test_the_inner_block_leaves_the_line_to_the_outer(self, line):
        with acquired(line) as token:
            with line.try_acquire_token().or_token(token).token as inner:
                assert inner.is_held
            assert not inner.is_held
            assert line.status() is LineStatus.BUSY
            assert token.is_held

        assert line.status() is LineStatus.FREE

    def test_what_is_borrowed_is_over_with_the_token_it_was_borrowed_from(self, line):
        token = acquired(line)
        inner = line.try_acquire_token().or_token(token).token

        token.release()

        assert not inner.is_held

    def test_a_token_is_not_dropped_while_somebody_has_borrowed_it(self, line):
        token = acquired(line)
        inner = line.try_acquire_token().or_token(token).token

        del token
        assert line.status() is LineStatus.BUSY

        del inner
        assert line.status() is LineStatus.FREE

    def test_a_token_that_was_released_gives_no_right(self, line):
        old = acquired(line)
        old.release()

        with acquired(line):
            busy = line.try_acquire_token()
            assert busy.or_token(old) is busy

    def test_the_token_of_another_line_is_refused(self, line):
        with acquired(line), acquired(Line("other")) as other:
            busy = line.try_acquire_token()
            with pytest.raises(ValueError, match=r"gives no right to Line\('credential'\)"):
                busy.or_token(other)


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
