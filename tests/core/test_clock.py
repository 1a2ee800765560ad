import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from freezegun import freeze_time

from django_jobqueue.core.clock import DatabaseClock, SystemClock, monotonic, seconds_of
from tests.clock import FrozenClock

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_system_clock_is_aware_and_in_utc():
    assert SystemClock().now().tzinfo is UTC


def test_the_system_clock_stands_still_under_freezegun():
    with freeze_time("2031-05-06 07:08:09") as frozen:
        assert SystemClock().now() == datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
        frozen.tick(timedelta(hours=1))
        assert SystemClock().now() == datetime(2031, 5, 6, 8, 8, 9, tzinfo=UTC)


def test_elapsed_time_goes_on_under_freezegun():
    before = monotonic()
    with freeze_time("2031-05-06 07:08:09") as frozen:
        Event().wait(0.01)
        after = monotonic()
        frozen.tick(timedelta(hours=1))
        later = monotonic()

    assert 0.009 < after - before < 60
    assert later - after < 60


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no namespaces on this system")
def test_elapsed_time_counts_the_sleep_of_the_machine():
    # A time namespace whose machine has slept for an hour since it was started.
    asleep = ["unshare", "--time", "--boottime", "3600"]
    look = (
        "import time; from django_jobqueue.core.clock import monotonic; "
        "print(monotonic() - time.clock_gettime(time.CLOCK_MONOTONIC))"
    )
    looked = subprocess.run(
        [*asleep, sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True
    )
    if looked.stderr.startswith("unshare"):
        pytest.skip(f"no namespace with a time of its own can be had: {looked.stderr.strip()}")

    assert 3599 < float(looked.stdout) < 3660


def test_a_span_may_be_a_number_or_a_timedelta():
    assert seconds_of(timedelta(minutes=2)) == seconds_of(120) == 120.0


class TestDatabaseClock:
    def test_it_tells_the_time_of_a_database_that_is_ahead(self):
        local = FrozenClock()
        clock = DatabaseClock(local, timedelta(seconds=90))

        assert clock.now() == local.now() + timedelta(seconds=90)
        local.advance(minutes=1)
        assert clock.now() == local.now() + timedelta(seconds=90)

    def test_a_measurement_takes_the_database_to_have_answered_half_way(self):
        local = FrozenClock()
        before = local.now()
        local.advance(seconds=2)
        database_now = before + timedelta(seconds=1) - timedelta(hours=1)

        clock = DatabaseClock(local).measured(database_now, before=before, after=local.now())

        assert clock.offset == -timedelta(hours=1)
        assert clock.now() == local.now() - timedelta(hours=1)

    def test_a_new_measurement_replaces_the_one_before(self):
        local = FrozenClock()
        skewed = DatabaseClock(local, timedelta(hours=3))

        clock = skewed.measured(local.now(), before=local.now(), after=local.now())

        assert clock.now() == local.now()


def test_a_clock_that_was_never_measured_tells_the_local_time():
    class Stopped:
        def now(self):
            return datetime(2026, 1, 1, tzinfo=UTC)

    assert DatabaseClock(Stopped()).now() == Stopped().now()
