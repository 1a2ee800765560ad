from datetime import UTC, datetime, timedelta

from benchmarks.rate import within_a_minute

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [BEGIN + timedelta(seconds=second) for second in seconds]


def test_a_minute_that_begins_with_a_start_ends_before_the_next_minute():
    assert within_a_minute(at(0, 1, 59.9, 60, 61)) == [3, 3]


def test_a_minute_that_is_not_over_is_not_counted():
    assert within_a_minute(at(0, 1, 59)) == []
