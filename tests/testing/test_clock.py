"""The database's clock, as statements of the queue see it while a test has moved the time."""

import re
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import time_machine
from django.db import connection, connections
from django.db.models.functions import Now
from freezegun import freeze_time

from django_jobqueue.models import WorkerRecord
from django_jobqueue.store import sql, store_for
from django_jobqueue.testing import QueueClock, database_clock, run_jobs
from django_jobqueue.testing.clock import asking_for, follow_moved_clocks, moved_now

from .jobs import at, told

NOON = datetime(2031, 3, 1, 12, tzinfo=UTC)
#: What tells the time on either database, in statements as they are written.
CLOCKS = re.compile(r"_timestamp\(\)|current_timestamp|\bnow\(\)|'now'", re.IGNORECASE)
STATEMENTS = {
    f"{file.parent.name}/{file.stem}": re.sub(r"--.*", "", file.read_text())
    for file in sorted(Path(sql.__file__).parent.glob("*/*.sql"))
}


class TestMovedNow:
    def test_nobody_has_moved_a_clock_that_goes_as_it_should(self) -> None:
        assert moved_now() is None

    def test_freezegun_tells_utc_whatever_offset_it_pretends(self) -> None:
        with freeze_time("2031-03-01 12:00", tz_offset=5):
            assert moved_now() == NOON

    def test_time_machine_tells_where_it_has_travelled(self) -> None:
        with time_machine.travel(NOON, tick=False):
            assert moved_now() == NOON

    def test_the_clock_of_the_queue_goes_before_the_others(self) -> None:
        with freeze_time("2040-01-01"), QueueClock(NOON) as outer:
            with QueueClock(NOON + timedelta(days=1)):
                assert moved_now() == NOON + timedelta(days=1)
            outer.tick(hours=2, seconds=1)
            assert moved_now() == outer.now() == datetime(2031, 3, 1, 14, 0, 1, tzinfo=UTC)

    def test_a_clock_is_not_moved_to_a_time_that_names_no_moment(self) -> None:
        with pytest.raises(ValueError, match="names no moment"):
            QueueClock(datetime(2031, 3, 1))  # noqa: DTZ001 - that is what is refused
        with QueueClock(NOON) as clock, pytest.raises(ValueError, match="names no moment"):
            clock.move_to(datetime(2031, 3, 1))  # noqa: DTZ001

    def test_a_time_of_any_zone_is_told_as_utc(self) -> None:
        with QueueClock(datetime(2031, 3, 1, 17, tzinfo=timezone(timedelta(hours=5)))) as clock:
            assert clock.now().isoformat() == "2031-03-01T12:00:00+00:00"


class TestStatements:
    @pytest.mark.parametrize(
        "name", [name for name, text in STATEMENTS.items() if CLOCKS.search(text)]
    )
    def test_none_asks_the_database_any_more(self, name: str) -> None:
        asked = asking_for(NOON, STATEMENTS[name])

        assert "2031-03-01 12:00:00" in asked
        assert not CLOCKS.search(asked)

    @pytest.mark.django_db
    def test_the_store_is_told_the_moved_time(self) -> None:
        with QueueClock(NOON):
            assert store_for("default").database_now() == NOON

    @pytest.mark.django_db
    def test_statements_of_others_are_told_the_real_time(self) -> None:
        with QueueClock(NOON), connection.cursor() as cursor:
            cursor.execute("SELECT CURRENT_TIMESTAMP")
            assert "2031" not in str(cursor.fetchone())

    @pytest.mark.django_db
    def test_questions_of_the_orm_are_answered_with_it_too(self) -> None:
        run_jobs()
        lapsed = WorkerRecord.objects.filter(lease_expires_at__lt=Now())
        assert not lapsed.exists()

        with QueueClock(NOON + timedelta(days=36_500)):
            assert lapsed.exists()

    @pytest.mark.django_db
    def test_a_datetime_of_a_frozen_clock_is_an_argument_like_any(self) -> None:
        with freeze_time(NOON):
            at.enqueue(datetime.now(UTC))  # noqa: TID251 - as the code of a site asks
            run_jobs(raise_errors=True)

        assert told[-1] == NOON.isoformat()

    @pytest.mark.django_db
    def test_a_thread_follows_from_when_it_said_so_on(self) -> None:
        seen = []

        def look() -> None:
            try:
                with QueueClock(NOON):
                    seen.append(store_for("default").database_now() == NOON)
                    follow_moved_clocks()
                    seen.append(store_for("default").database_now() == NOON)
                    connections["default"].close()
                    seen.append(store_for("default").database_now() == NOON)
            finally:
                connections.close_all()

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

        assert seen == [False, True, True]

    @pytest.mark.django_db
    def test_the_database_can_be_asked_as_on_the_site(self) -> None:
        with freeze_time(NOON):
            with database_clock():
                assert store_for("default").database_now().year < 2031
            assert store_for("default").database_now() == NOON
