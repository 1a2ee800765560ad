"""Times as a database gives them and as it takes them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

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
