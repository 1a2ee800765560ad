"""Slots of rules, on the days that clocks are changed and on all others."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from django_jobqueue.core.cron import Cron, CronString, zone_of
from django_jobqueue.core.schedule_errors import InvalidSchedule, UnknownTimeZone

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(rule: Cron | CronString, after: str, until: str) -> list[str]:
    """The slots after one time and until another, in UTC, as "29 01:00"."""
    found = []
    for slot in rule.slots_after(at(after)):
        if slot > at(until):
            break
        found.append(f"{slot:%d %H:%M:%S}".removesuffix(":00"))
    return found


class TestSpring:
    """Berlin: 02:00 to 03:00 is skipped, at 01:00 UTC. New York: the same, at 07:00 UTC."""

    BERLIN_DAYS = ("2026-03-28T00:00", "2026-03-30T23:59")
    NEW_YORK_DAYS = ("2026-03-07T05:00", "2026-03-10T04:59")

    def test_a_skipped_time_runs_right_after_the_gap(self) -> None:
        rule = CronString("30 2 * * *", timezone=BERLIN)
        assert slots(rule, *self.BERLIN_DAYS) == ["28 01:30", "29 01:00", "30 00:30"]

        rule = CronString("45 2 * * *", timezone=NEW_YORK)
        assert slots(rule, *self.NEW_YORK_DAYS) == ["07 07:45", "08 07:00", "09 06:45"]

    def test_several_skipped_times_are_one_slot(self) -> None:
        rule = CronString("0,20,40 2 * * *", timezone=BERLIN)
        assert slots(rule, "2026-03-28T12:00", "2026-03-29T12:00") == ["29 01:00"]

    def test_a_skipped_time_and_the_end_of_the_gap_are_one_slot(self) -> None:
        rule = CronString("0 2,3 * * *", timezone=NEW_YORK)
        assert slots(rule, "2026-03-08T00:00", "2026-03-08T23:59") == ["08 07:00"]

    def test_steps_of_hours_are_no_exception(self) -> None:
        rule = CronString("0 */2 * * *", timezone=BERLIN)
        expected = ["28 23:00", "29 01:00", "29 02:00", "29 04:00"]
        assert slots(rule, "2026-03-28T22:00", "2026-03-29T05:00") == expected

    def test_nor_is_a_field_of_seconds(self) -> None:
        rule = CronString("15 30 2 * * *", timezone=BERLIN)
        assert slots(rule, "2026-03-28T02:00", "2026-03-29T12:00") == ["29 01:00"]

    def test_nor_are_five_numbers(self) -> None:
        rule = Cron(hour=2, minute=30, timezone=NEW_YORK)
        assert slots(rule, *self.NEW_YORK_DAYS) == ["07 07:30", "08 07:00", "09 06:30"]

    @pytest.mark.parametrize(("text", "minutes"), [("*/20 * * * *", 20), ("0 * * * *", 60)])
    def test_what_recurs_in_every_hour_follows_elapsed_time(self, text: str, minutes: int) -> None:
        found = CronString(text, timezone=BERLIN).preview(at("2026-03-28T20:00"), count=30)

        assert {later - slot for slot, later in pairwise(found)} == {timedelta(minutes=minutes)}

    def test_what_recurs_within_a_skipped_hour_waits_for_the_next_day(self) -> None:
        rule = CronString("*/30 2 * * *", timezone=BERLIN)
        assert slots(rule, *self.BERLIN_DAYS) == ["28 01:00", "28 01:30", "30 00:00", "30 00:30"]

        rule = CronString("15 */30 2 * * *", timezone=BERLIN)
        expected = ["28 01:00:15", "28 01:30:15", "30 00:00:15", "30 00:30:15"]
        assert slots(rule, *self.BERLIN_DAYS) == expected

    def test_what_recurs_only_within_skipped_hours_has_no_slot(self) -> None:
        # A Sunday that is 29 March is the last of the month: the clocks are changed on it.
        rule = Cron(hour=2, day_of_month=29, month=3, day_of_week=0, timezone=BERLIN)
        assert rule.next_after(at("2026-01-01")) is None


class TestAutumn:
    """Berlin: 02:00 to 03:00 comes twice, from 00:00 UTC. New York: 01:00 to 02:00, from 05:00."""

    def test_a_repeated_time_runs_once(self) -> None:
        rule = CronString("30 2 * * *", timezone=BERLIN)
        expected = ["24 00:30", "25 00:30", "26 01:30"]
        assert slots(rule, "2026-10-24T00:00", "2026-10-26T12:00") == expected

        rule = CronString("30 1 * * *", timezone=NEW_YORK)
        expected = ["31 05:30", "01 05:30", "02 06:30"]
        assert slots(rule, "2026-10-31T00:00", "2026-11-02T12:00") == expected

    def test_it_has_run_when_it_is_looked_for_between_the_two_passes(self) -> None:
        rule = CronString("45 2 * * *", timezone=BERLIN)
        assert slots(rule, "2026-10-25T01:10", "2026-10-26T12:00") == ["26 01:45"]

    def test_steps_of_hours_are_no_exception(self) -> None:
        rule = CronString("0 */2 * * *", timezone=BERLIN)
        expected = ["24 22:00", "25 00:00", "25 03:00"]
        assert slots(rule, "2026-10-24T20:00", "2026-10-25T04:00") == expected

    @pytest.mark.parametrize(("text", "minutes"), [("*/20 * * * *", 20), ("0 * * * *", 60)])
    def test_what_recurs_in_every_hour_follows_elapsed_time(self, text: str, minutes: int) -> None:
        found = CronString(text, timezone=NEW_YORK).preview(at("2026-11-01T00:00"), count=40)

        assert {later - slot for slot, later in pairwise(found)} == {timedelta(minutes=minutes)}

    def test_what_recurs_within_a_repeated_hour_runs_in_both_passes(self) -> None:
        rule = CronString("*/30 1 * * *", timezone=NEW_YORK)
        expected = ["01 05:00", "01 05:30", "01 06:00", "01 06:30"]
        assert slots(rule, "2026-11-01T00:00", "2026-11-01T23:59") == expected

    def test_it_makes_no_difference_from_where_in_a_pass_it_is_looked_for(self) -> None:
        rule = CronString("*/30 2 * * *", timezone=BERLIN)
        assert slots(rule, "2026-10-25T00:30", "2026-10-25T12:00") == ["25 01:00", "25 01:30"]
        assert slots(rule, "2026-10-25T01:00", "2026-10-25T12:00") == ["25 01:30"]


class TestZones:
    def test_a_shift_of_half_an_hour_is_one_too(self) -> None:
        rule = CronString("10 2 * * *", timezone="Australia/Lord_Howe")
        expected = ["02 15:40", "03 15:30", "04 15:10"]  # 02:00 to 02:30 is skipped on 4 October
        assert slots(rule, "2026-10-02T12:00", "2026-10-04T20:00") == expected

    def test_a_gap_at_midnight_ends_at_one(self) -> None:
        rule = CronString("0 0 * * *", timezone="America/Havana")  # skipped on 8 March, by an hour
        expected = ["07 05:00", "08 05:00", "09 04:00"]
        assert slots(rule, "2026-03-07T00:00", "2026-03-09T12:00") == expected

    def test_a_day_that_a_country_left_out_runs_as_the_next_begins(self) -> None:
        rule = CronString("0 12 30 12 *", timezone="Pacific/Apia")  # Samoa had no 30 December 2011
        assert slots(rule, "2011-12-01T00:00", "2011-12-31T23:59") == ["30 10:00"]

    @pytest.mark.parametrize("name", ["Mars/Olympus", "", "Europe", "../etc/passwd", "\0", None])
    def test_a_name_that_is_no_zone_is_told(self, name: str) -> None:
        with pytest.raises(UnknownTimeZone, match="no time zone"):
            zone_of(name)

    def test_a_rule_of_an_unknown_zone_can_be_said_but_not_followed(self) -> None:
        rule = CronString("0 0 * * *", timezone="Mars/Olympus")
        with pytest.raises(UnknownTimeZone):
            rule.next_after(at("2026-01-01"))


class TestFields:
    def test_all_five_must_match(self) -> None:
        friday_13th = Cron(day_of_month=13, day_of_week=5, hour=0, minute=0)
        assert slots(friday_13th, "2026-01-01", "2026-12-31") == ["13 00:00"] * 3

    def test_of_the_day_fields_of_a_cron_string_one_is_enough(self) -> None:
        found = slots(CronString("0 0 13 * 5"), "2026-02-01", "2026-02-28")
        assert found == ["06 00:00", "13 00:00", "20 00:00", "27 00:00"]
        assert slots(CronString("0 0 10 * 5"), "2026-02-08", "2026-02-14") == [
            "10 00:00",
            "13 00:00",
        ]

    def test_sunday_is_0(self) -> None:
        found = Cron(day_of_week=0, hour=0, minute=0).next_after(at("2026-01-15"))
        assert found is not None
        assert found.isoweekday() == 7

    def test_a_field_that_is_not_said_is_every(self) -> None:
        assert slots(Cron(minute=5), "2026-01-15T11:59", "2026-01-15T13:10") == [
            "15 12:05",
            "15 13:05",
        ]
        assert len(slots(Cron(), "2026-01-15T12:00", "2026-01-15T13:00")) == 60

    def test_a_slot_is_strictly_later(self) -> None:
        noon = at("2026-01-15T12:00")
        rule = Cron(hour=12, minute=0)

        assert rule.next_after(noon) == noon + timedelta(days=1)
        assert rule.next_after(noon - timedelta(microseconds=1)) == noon
        assert rule.next_after(noon + timedelta(microseconds=1)) == noon + timedelta(days=1)

    def test_the_first_of_the_year_may_be_said(self) -> None:
        found = Cron(month=1, day_of_month=1, hour=0, minute=0).next_after(at("2026-06-01"))
        assert found == at("2027-01-01")

    def test_a_zone_is_given_by_its_name_alone(self) -> None:
        with pytest.raises(TypeError):
            CronString("0 0 * * *", BERLIN)

    def test_a_leap_day_comes_every_four_years(self) -> None:
        found = CronString("0 0 29 2 *", timezone=BERLIN).preview(at("2026-01-01"), count=2)
        assert found == [at("2028-02-28T23:00"), at("2032-02-28T23:00")]

    def test_a_sixth_field_is_that_of_seconds(self) -> None:
        rule = CronString("*/20 * * * * *")
        expected = ["15 12:00:20", "15 12:00:40", "15 12:01"]
        assert slots(rule, "2026-01-15T12:00", "2026-01-15T12:01") == expected

    @pytest.mark.parametrize(
        "fields",
        [
            {"minute": 60},
            {"hour": -1},
            {"hour": 24},
            {"day_of_month": 0},
            {"day_of_month": 32},
            {"month": 13},
            {"day_of_week": 7},
            {"minute": True},
            {"hour": "4"},
            {"hour": 4.0},
        ],
    )
    def test_fields_that_cannot_be_are_refused(self, fields: dict) -> None:
        with pytest.raises(InvalidSchedule, match="must be a whole number"):
            Cron(**fields)

    @pytest.mark.parametrize(
        "fields",
        [
            {"day_of_month": 30, "month": 2},
            {"day_of_month": 31, "month": 4, "day_of_week": 1},
        ],
    )
    def test_fields_that_never_match_are_refused(self, fields: dict) -> None:
        with pytest.raises(InvalidSchedule):
            Cron(**fields)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "* * * *",
            "61 * * * *",
            "0 0 31 2 *",
            "0 0 30 2 */7",
            "* * */20 * 1L",  # the last Monday is never the 1st or the 21st
            "*/0 * * * *",
            "0-99999999999999999999 * * * *",
            "9" * 5000,
            "@daily",
            None,
        ],
    )
    def test_strings_that_cannot_be_or_never_match_are_refused(self, text: str) -> None:
        with pytest.raises(InvalidSchedule):
            CronString(text)

    def test_a_string_is_kept_without_needless_spaces_and_has_an_end(self) -> None:
        rule = "0  4 * * *"
        assert CronString(rule.ljust(255)).text == "0 4 * * *"
        with pytest.raises(InvalidSchedule, match="at most 255 characters"):
            CronString(rule.ljust(256))

    def test_five_numbers_survive_being_told_as_text(self) -> None:
        rule = Cron(day_of_month=13, day_of_week=5, hour=4, timezone=BERLIN)
        assert rule.text == "* 4 13 * 5"
        assert Cron.of_text(rule.text, timezone=BERLIN) == rule

    @pytest.mark.parametrize("text", ["0 0 1 1", "*/5 * * * *", "0 0 1 1 MON", "٣ * * * *"])
    def test_a_text_that_is_not_five_numbers_is_told(self, text: str) -> None:
        with pytest.raises(InvalidSchedule):
            Cron.of_text(text, timezone="UTC")


@given(
    zone=some.sampled_from([BERLIN, NEW_YORK, "Australia/Lord_Howe", "America/Havana", "UTC"]),
    text=some.sampled_from(
        [
            "0,30 * * * *",
            "*/7 1-3 * * *",
            "15 */2 * * *",
            "30 2 * * *",
            "0 0-3 * * 0",
            "5 1,2 * * *",
        ]
    ),
    minutes=some.integers(0, 500_000),
    steps=some.integers(1, 5),
)
def test_slots_always_advance_and_none_is_left_out_between_two(
    zone: str, text: str, minutes: int, steps: int
) -> None:
    rule, moment = CronString(text, timezone=zone), at("2026-01-01") + timedelta(minutes=minutes)
    found = rule.preview(moment, count=steps)

    assert [moment, *found] == sorted({moment, *found})
    halfway = moment + (found[-1] - moment) / 2
    assert rule.next_after(halfway) == next(slot for slot in found if slot > halfway)
