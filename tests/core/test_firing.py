"""What to do about due slots, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue.core.cron import CronString, every
from django_jobqueue.core.firing import MISSED, OVER_CAP, plan
from django_jobqueue.core.schedules import Missed, ScheduleTerms

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIVE_MINUTES = CronString("*/5 * * * *")


def planned(missed: Missed = Missed.ONCE, *, minutes: float, **more) -> list[tuple[int, str]]:
    """Plan every five minutes from noon on, so many minutes later: (minute, reason) of each."""
    terms = ScheduleTerms(rule=more.pop("rule", FIVE_MINUTES), missed=missed, **more)
    now = NOON + minutes * MINUTE
    firing = plan(terms, due=NOON, now=now, missed_after=MINUTE)
    assert firing.next_slot is not None
    assert firing.next_slot > now
    return [((one.slot - NOON) // MINUTE, one.reason) for one in firing.slots]


@pytest.mark.parametrize("missed", Missed)
def test_a_slot_that_is_done_in_time_is_done_whatever_the_policy(missed: Missed) -> None:
    assert planned(missed, minutes=0) == [(0, "")]
    assert planned(missed, minutes=1) == [(0, "")]


class TestFiveMissedSlots:
    def test_skip_does_none_of_them(self) -> None:
        assert planned(Missed.SKIP, minutes=22) == [
            (minute, MISSED) for minute in (0, 5, 10, 15, 20)
        ]

    def test_skip_does_the_latest_if_it_is_not_late(self) -> None:
        assert planned(Missed.SKIP, minutes=20.5)[-2:] == [(15, MISSED), (20, "")]

    def test_once_does_the_latest(self) -> None:
        assert planned(Missed.ONCE, minutes=22) == [
            *((minute, MISSED) for minute in (0, 5, 10, 15)),
            (20, ""),
        ]

    def test_all_does_each(self) -> None:
        assert planned(Missed.ALL, minutes=22) == [(minute, "") for minute in (0, 5, 10, 15, 20)]

    def test_all_does_the_latest_up_to_its_cap(self) -> None:
        assert planned(Missed.ALL, minutes=22, missed_cap=2) == [
            *((minute, OVER_CAP) for minute in (0, 5, 10)),
            (15, ""),
            (20, ""),
        ]


def test_a_slot_of_this_very_moment_is_due() -> None:
    assert planned(minutes=5) == [(0, MISSED), (5, "")]


@pytest.mark.parametrize(
    ("why", "told"), [("holidays", "paused: holidays"), ("", "paused")], ids=repr
)
def test_a_pause_is_told_in_every_slot(why: str, told: str) -> None:
    firing = plan(
        ScheduleTerms(rule=FIVE_MINUTES, missed=Missed.ALL),
        due=NOON,
        now=NOON + 6 * MINUTE,
        missed_after=MINUTE,
        paused=why,
    )
    assert [one.reason for one in firing.slots] == [told] * 2


@pytest.mark.parametrize(
    "rule", [CronString("* * * * * *"), every(1), CronString("0 4 * * *"), every(86_400)]
)
def test_however_long_nobody_was_there_the_latest_ten_are_told(rule) -> None:
    years = 3 * 365 * 24 * 60
    found = planned(minutes=years + 0.5, rule=rule)

    assert len(found) == 10
    assert found[-1][0] > years - 24 * 60


def test_missed_slots_of_a_span_are_counted_from_where_it_began() -> None:
    found = planned(minutes=100_000, rule=every(timedelta(minutes=7)))

    assert [minute for minute, _ in found] == [99_995 - 7 * back for back in range(9, -1, -1)]


def test_spans_stay_in_step_with_where_they_began() -> None:
    firing = plan(
        ScheduleTerms(rule=every(300)), due=NOON, now=NOON + 7 * MINUTE, missed_after=MINUTE
    )
    assert firing.next_slot == NOON + 10 * MINUTE


def test_a_span_that_begins_at_the_finish_has_one_slot_and_begins_anew() -> None:
    firing = plan(
        ScheduleTerms(rule=every(300, after="finish")),
        due=NOON,
        now=NOON + 17 * MINUTE,
        missed_after=MINUTE,
    )
    assert [one.slot for one in firing.slots] == [NOON]
    assert firing.next_slot == NOON + 22 * MINUTE
