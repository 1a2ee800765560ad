"""Leases of lines: renewed while the token is held, lost when they cannot be."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from django_jobqueue import Line, LineLost, LineStatus
from django_jobqueue.core.clock import monotonic
from django_jobqueue.jobs import line_keeper
from django_jobqueue.jobs.line_keeper import keeper
from django_jobqueue.models import LineRecord
from django_jobqueue.store import store_for

from .lines import (
    PATIENCE,
    acquired,
    held_elsewhere,
    lapse,
    tokens_of_this_process,
    until,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("keeper_at_rest"),
]


@pytest.fixture
def quick_leases(settings):
    settings.JOBQUEUE = {"LEASE": 0.6, "HEARTBEAT_INTERVAL": 0.1}


class Clock:
    """The clock by which holds tell whether they are lost."""

    ahead = 0.0

    def __call__(self) -> float:
        return monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(line_keeper, "monotonic", clock)
    return clock


@contextmanager
def refused(monkeypatch, verb: str):
    """Let the database refuse one verb of the store; yields what counts the refusals."""
    refusals = threading.Semaphore(0)

    def refuse(*args, **kwargs):
        refusals.release()
        raise OperationalError("the server went away")

    with monkeypatch.context() as patch:
        patch.setattr(type(store_for("default")), verb, refuse)
        yield refusals


class TestRenewing:
    def test_a_lease_is_renewed_for_as_long_as_the_token_is_held(self, line, quick_leases):
        with acquired(line) as token:
            first = LineRecord.objects.get().lease_expires_at
            until(lambda: LineRecord.objects.get().lease_expires_at > first + timedelta(seconds=1))
            assert token.is_held
            token.check()

    def test_every_line_of_the_process_is_renewed_at_once(self, line):
        other = Line("other", scope="cluster")
        with acquired(line), acquired(other):
            lapse(*tokens_of_this_process())
            assert line.status() is other.status() is LineStatus.FREE

            keeper.renew()

            assert line.status() is other.status() is LineStatus.BUSY

    def test_the_thread_ends_when_nothing_is_held(self, line):
        names = {"jobqueue-lines"}
        with acquired(line), acquired(Line("other", scope="cluster")):
            assert names <= {thread.name for thread in threading.enumerate()}

        assert keeper.join(PATIENCE / 2)  # not at the next renewal, which would be later
        assert not names & {thread.name for thread in threading.enumerate()}

    def test_an_error_does_not_end_the_renewals(self, line, quick_leases, monkeypatch, caplog):
        with acquired(line) as token:
            with refused(monkeypatch, "renew_lines") as refusals:
                assert refusals.acquire(timeout=PATIENCE)
                assert refusals.acquire(timeout=PATIENCE)
            until(lambda: token.is_held)

        assert "the leases of 1 lines could not be renewed" in caplog.text


class TestLosing:
    def test_a_holder_whose_row_is_another_s_is_told(self, line, caplog):
        with acquired(line) as token:
            shared = line.try_acquire_token().shared
            lapse(*tokens_of_this_process())
            theirs = held_elsewhere()
            assert not token.is_lost

            keeper.renew()

            assert token.is_lost
            assert not token.is_held
            assert shared.wait(0)
            with pytest.raises(LineLost, match="the line 'api' may be held by another worker"):
                token.check()

        assert store_for("default").line_holder("api") == theirs
        assert "the line 'api' was lost: somebody else holds it by now" in caplog.text

    def test_a_holder_that_could_not_renew_in_time_says_so_by_itself(
        self, line, clock, monkeypatch
    ):
        with refused(monkeypatch, "renew_lines"), acquired(line) as token:
            clock.ahead = 29.0
            assert not token.is_lost
            clock.ahead = 30.0
            assert token.is_lost

    def test_a_late_renewal_takes_the_doubt_back(self, line, clock, monkeypatch):
        with acquired(line) as token:
            with refused(monkeypatch, "renew_lines"):
                clock.ahead = 31.0
                assert token.is_lost

            keeper.renew()

            assert token.is_held

    def test_a_lost_token_gives_no_right(self, line, clock, monkeypatch):
        with refused(monkeypatch, "renew_lines"), acquired(line) as token:
            clock.ahead = 31.0
            busy = line.try_acquire_token()

            assert busy.or_token(token) is busy

    def test_a_release_that_finds_the_line_lost_says_so_and_takes_nothing(self, line, caplog):
        with acquired(line):
            lapse(*tokens_of_this_process())
            theirs = held_elsewhere()

        assert store_for("default").line_holder("api") == theirs
        assert "the line 'api' was lost before it was released" in caplog.text

    def test_a_release_that_fails_leaves_the_line_to_its_lease(self, line, monkeypatch, caplog):
        shared = None
        with refused(monkeypatch, "release_line"), acquired(line) as token:
            shared = line.try_acquire_token().shared

        assert shared.wait(0)
        assert not token.is_held
        assert line.status() is LineStatus.BUSY
        assert "the line 'api' is free only when its lease runs out" in caplog.text
        lapse(LineRecord.objects.get().token)
        assert line.status() is LineStatus.FREE


class TestDropping:
    def test_a_token_that_is_dropped_frees_the_line(self, line):
        token = acquired(line)
        shared = line.try_acquire_token().shared

        del token

        assert shared.wait(PATIENCE)
        assert line.status() is LineStatus.FREE

    def test_an_answer_that_nobody_kept_holds_nothing(self, line):
        line.try_acquire_token()

        until(lambda: line.status() is LineStatus.FREE)

    def test_a_token_in_a_cycle_is_freed_by_the_garbage_collector(self, line):
        cycle: list[object] = [acquired(line)]
        cycle.append(cycle)
        shared = line.try_acquire_token().shared
        del cycle

        gc.collect()

        assert shared.wait(PATIENCE)

    def test_a_token_may_be_dropped_in_any_thread(self, line):
        tokens = [acquired(line)]
        shared = line.try_acquire_token().shared

        with ThreadPoolExecutor(1) as pool:
            pool.submit(tokens.clear).result(PATIENCE)

        assert shared.wait(PATIENCE)

    def test_a_token_that_was_released_is_dropped_without_a_word(self, line, caplog):
        token = acquired(line)
        token.release()
        assert keeper.join(PATIENCE)

        del token

        assert keeper._dropped.empty()
        assert caplog.records == []

    @pytest.mark.postgresql
    def test_the_thread_leaves_no_connection_open(self, line):
        before = _connections()
        token = acquired(line)
        del token
        until(lambda: line.status() is LineStatus.FREE)

        assert keeper.join(PATIENCE)

        until(lambda: _connections() == before)


def _connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]
