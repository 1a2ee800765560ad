"""What a worker tells of snapshots that others hold."""

import logging
from datetime import timedelta

import pytest
from msgspec.structs import replace

from django_jobqueue.core.health import HeldSnapshot
from django_jobqueue.events import EventBus
from django_jobqueue.observability.logs import log_event
from django_jobqueue.store import store_for
from django_jobqueue.worker.snapshots import SnapshotWatch

from .bench import Time
from .site import Told

REPORT = HeldSnapshot(
    "connection", 4711, "metabase", "idle in transaction", "1000", 601.0, "SELECT 1\nFROM t"
)
TELLING = "database.snapshot_held"


class Database(type(store_for("default"))):  # type: ignore[misc]
    """The store, but who holds a snapshot is what the test says."""

    held: HeldSnapshot | None = REPORT

    def held_snapshot(self) -> HeldSnapshot | None:
        return self.held


class Watch:
    def __init__(self) -> None:
        self.database, self.time, self.told = Database("default"), Time(), Told()
        bus = EventBus()
        bus.subscribe(self.told)
        bus.subscribe(log_event)
        self._watch = SnapshotWatch(
            store=self.database, events=bus, max_age=timedelta(minutes=10), elapsed=self.time
        )

    def sees(self, held: HeldSnapshot | None, *, after: float = 60.0) -> int:
        """Return how often something was told until now."""
        self.time.passes(after)
        self.database.held = held
        self._watch.look()
        return len(self.told.of(TELLING))


def test_a_holder_is_told_once() -> None:
    watch = Watch()

    assert [watch.sees(REPORT), watch.sees(replace(REPORT, age=999.0))] == [1, 1]
    [facts] = watch.told.of(TELLING)
    assert (facts["pid"], facts["held_by"], facts["seconds"]) == (4711, "metabase", 601)


def test_another_one_is_told_too_and_so_is_the_same_connection_with_another_snapshot() -> None:
    watch = Watch()
    watch.sees(REPORT)

    assert watch.sees(replace(REPORT, pid=4712)) == 2
    assert watch.sees(None) == 2
    assert watch.sees(replace(REPORT, pid=4712, xmin="2000")) == 3


def test_what_is_younger_is_told_once_it_is_old() -> None:
    watch = Watch()

    assert watch.sees(replace(REPORT, age=599.0)) == 0
    assert watch.sees(REPORT) == 1


def test_one_whose_age_the_database_does_not_say_is_as_old_as_it_was_seen_here() -> None:
    watch = Watch()
    hidden = replace(REPORT, age=None, state=None, query=None)

    told = [watch.sees(hidden) for _ in range(12)]

    assert told == [0] * 11 + [1]


def test_it_looks_once_a_minute_however_often_it_is_asked_to() -> None:
    watch = Watch()
    watch.sees(None)

    assert watch.sees(REPORT, after=59.0) == 0
    assert watch.sees(REPORT, after=1.0) == 1


def test_the_log_line_warns_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    Watch().sees(REPORT)

    [record] = [one for one in caplog.records if TELLING in one.message]
    assert record.levelno == logging.WARNING
    assert "pid=4711 held_by=metabase" in record.message
    assert "query='SELECT 1\\nFROM t'" in record.message
