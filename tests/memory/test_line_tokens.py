"""Tokens of a line: releasing, dropping, borrowing."""

import gc
import logging
from contextlib import suppress

import pytest

from django_jobqueue import Acquired, Line, LineStatus

from .lines import acquired


@pytest.fixture
def line() -> Line:
    return Line("credential")


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
