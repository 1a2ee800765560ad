"""Slots that follow each other by a span."""

from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue.core.cron import CronString, Every, every
from django_jobqueue.core.schedule_errors import InvalidSchedule

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def test_spans_are_counted_from_an_anchor_whenever_they_are_looked_for() -> None:
    rule = every(timedelta(minutes=10))
    late = NOON + timedelta(minutes=25, seconds=3)

    assert rule.next_after(late, anchor=NOON) == NOON + timedelta(minutes=30)
    assert rule.next_after(NOON, anchor=NOON) == NOON + timedelta(minutes=10)
    assert rule.preview(late, count=2, anchor=NOON) == [
        NOON + timedelta(minutes=30),
        NOON + timedelta(minutes=40),
    ]


def test_without_an_anchor_they_begin_now() -> None:
    assert every(90).next_after(NOON) == NOON + timedelta(seconds=90)


@pytest.mark.parametrize("span", [0, 0.5, -5, float("nan"), 1e12, 1e300, True, "5", None])
def test_spans_that_cannot_be_are_refused(span: float) -> None:
    with pytest.raises(InvalidSchedule):
        every(span)


def test_spans_begin_at_the_start_or_at_the_finish() -> None:
    with pytest.raises(InvalidSchedule, match="'start' or 'finish'"):
        every(5, after="end")

    assert Every(timedelta(seconds=5)) == Every(timedelta(seconds=5), after="start")
    with pytest.raises(TypeError):
        Every(timedelta(seconds=5), "finish")


def test_at_the_end_of_time_there_is_no_further_slot() -> None:
    assert every(86_400).preview(datetime.max.replace(tzinfo=UTC)) == []
    assert CronString("* * * * *").preview(datetime.max.replace(tzinfo=UTC)) == []
