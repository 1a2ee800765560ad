"""Times as a database gives them and as it takes them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection

from django_jobqueue.core.specs import AttemptReport
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claimed, finish

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


@pytest.fixture
def machine_far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own clock shows another time than that of the database."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("machine_far_away")
@pytest.mark.parametrize(
    "given",
    [
        "2026-01-01 12:00:00",
        datetime(2026, 1, 1, 12),  # noqa: DTZ001 - as the driver gives it
        NOON.astimezone(timezone(timedelta(hours=3))),
    ],
)
def test_a_time_of_the_database_is_aware_wherever_the_machine_is(
    store: JobStore, given: datetime | str
) -> None:
    found = store.aware(given)  # type: ignore[attr-defined]

    assert (found, found.utcoffset()) == (NOON, timedelta(0))


@pytest.mark.sqlite
def test_times_are_texts_that_sort_as_they_follow_each_other(store: JobStore) -> None:
    moments = [NOON, NOON + timedelta(milliseconds=1), NOON + timedelta(seconds=1)]
    texts = [store.time_text(moment) for moment in moments]  # type: ignore[attr-defined]

    assert texts == sorted(texts)
    assert texts[0] == "2026-01-01 12:00:00.000000"
    east = NOON.astimezone(timezone(timedelta(hours=3)))
    assert store.time_text(east) == texts[0]  # type: ignore[attr-defined]


@pytest.mark.sqlite
@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD, JobState.READY], ids=str)
def test_when_a_run_began_is_a_text_like_them(store: JobStore, state: JobState) -> None:
    job = claimed(store)
    reason = DeathReason.EXHAUSTED if state is JobState.DEAD else None
    report = AttemptReport(outcome="failed")

    assert finish(store, job, state, reason=reason, report=report, attempted_at=NOON)

    tables = ("job", "archivedjob", "deadjob")
    asked = [f"SELECT CAST(attempted_at AS TEXT) FROM jobqueue_{table}" for table in tables]
    asked += ["SELECT CAST(started_at AS TEXT) FROM jobqueue_attempt"]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        assert cursor.fetchall() == [("2026-01-01 12:00:00",)] * 2


@pytest.mark.sqlite
def test_so_is_it_where_there_is_nothing_else_to_tell(store: JobStore) -> None:
    assert finish(store, claimed(store), JobState.SUCCEEDED, attempted_at=NOON)

    with connection.cursor() as cursor:
        cursor.execute("SELECT CAST(attempted_at AS TEXT) FROM jobqueue_archivedjob")
        assert cursor.fetchall() == [("2026-01-01 12:00:00",)]
