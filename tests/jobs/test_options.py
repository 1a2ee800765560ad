from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings

from django_jobqueue.core.backoff import Constant, Custom, NoRetry
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.jobs.options import JobOptions


def refusal(**given: Any) -> str:
    with pytest.raises(InvalidOptions) as refused:
        JobOptions.of_call(given)
    return str(refused.value)


class TestUnknownOptions:
    def test_a_misspelt_option_is_answered_with_the_nearest_one(self):
        assert refusal(prioriy=1) == "job option 'prioriy' does not exist. Did you mean 'priority'?"

    @pytest.mark.parametrize(
        "option", ["cron", "every", "transactional", "isolation", "rate", "metadata"]
    )
    def test_what_this_release_does_not_do_is_refused_not_ignored(self, option: str):
        assert f"job option {option!r} does not exist." in refusal(**{option: 1})

    def test_an_option_of_handlers_is_none_of_a_single_call(self):
        assert "does not exist" in refusal(retry_on=ValueError)

    def test_a_time_is_an_option_of_a_single_call_and_none_of_a_handler(self):
        with pytest.raises(InvalidOptions, match="'delay' does not exist"):
            JobOptions.of_handler({"delay": 5})


class TestValues:
    @pytest.mark.parametrize(
        ("option", "value", "told"),
        [
            ("queue", "", "must be a text that is not empty"),
            ("queue", 7, "must be a text that is not empty"),
            ("queue", "q" * 129, "must have at most 128 characters, not 129"),
            ("queue", "a\nb", "must hold no control characters"),
            ("queue", "a\x00b", "must hold no control characters"),
            ("queue", "\x1b[31m", "must hold no control characters"),
            ("queue", "\ud800", "must hold no control characters"),
            ("priority", 101, "must be a whole number from -100 to 100"),
            ("priority", -101, "must be a whole number from -100 to 100"),
            ("priority", 1.0, "must be a whole number from -100 to 100"),
            ("priority", True, "must be a whole number from -100 to 100"),
            ("max_attempts", 0, "must be a whole number from 1 to 32,767"),
            ("max_retries", -1, "must be a whole number from 0"),
            ("backoff", 5, "must be a backoff such as Exponential(initial=5)"),
            ("timeout", 0, "must be longer than 0 seconds"),
            ("timeout", -1, "must be longer than 0 seconds"),
            ("timeout", "30", "must be a number of seconds or a timedelta"),
            ("timeout", float("nan"), "must be a number of seconds or a timedelta"),
            ("timeout", float("inf"), "must be a number of seconds or a timedelta"),
            ("delay", -1, "must not be negative"),
            ("delay", timedelta.max, "at most a century"),
            ("delay", 10**400, "at most a century"),
            ("unique", 1, "must be True or False"),
            ("unique_by", "user_id", "must be a list of texts"),
            ("unique_by", [], "must name at least one"),
            ("unique_by", [1], "must be a text"),
            ("unique_key", "", "must be text of one character or more"),
            ("unique_key", "k" * 256, "256 characters long, 255 are allowed"),
            ("unique_key", "a\x00b", "NUL"),
            ("unique_for", 0, "must be longer than 0 seconds"),
            ("unique_while", "running", "must be 'live' or 'waiting', not 'running'"),
            ("on_conflict", "ignore", "must be 'skip' or 'raise' or 'replace', not 'ignore'"),
            ("fingerprint", 7, "must be text"),
            ("tags", "urgent", "must be a list of texts"),
            ("tags", [""], "must be a text that is not empty"),
            ("meta", [("a", 1)], "must be a dictionary"),
            ("meta", {"a": float("nan")}, "cannot be stored"),
            ("meta", {1: 2}, "cannot be stored"),
            ("run_at", "tomorrow", "must be a datetime"),
            ("expires_at", 5, "must be a datetime"),
        ],
    )
    def test_a_wrong_value_is_refused_in_one_sentence_that_names_the_option(
        self, option: str, value: object, told: str
    ):
        message = refusal(**{option: value})

        assert message.startswith(f"job option {option!r} ")
        assert told in message

    @pytest.mark.parametrize("priority", [-100, 0, 100])
    def test_priorities_reach_from_minus_to_plus_a_hundred(self, priority: int):
        assert JobOptions.of_call({"priority": priority}).priority == priority

    def test_a_queue_name_may_have_128_characters_of_any_language(self):
        assert JobOptions.of_call({"queue": "ü" * 128}).queue == "ü" * 128

    @pytest.mark.parametrize("given", [90, 90.0, timedelta(seconds=90)])
    def test_a_span_is_given_in_seconds_or_as_timedelta(self, given: object):
        options = JobOptions.of_call({"delay": given, "timeout": given})

        assert options.delay == options.timeout == 90.0

    def test_an_option_that_is_none_was_not_said(self):
        assert JobOptions.of_call({"queue": None, "delay": None}) == JobOptions()

    def test_max_retries_counts_what_comes_after_the_first_attempt(self):
        assert JobOptions.of_call({"max_retries": 4}).max_attempts == 5

    def test_max_retries_and_max_attempts_together_are_refused(self):
        assert "max_attempts" in refusal(max_retries=1, max_attempts=2)

    def test_a_tag_that_is_given_twice_is_kept_once(self):
        assert JobOptions.of_call({"tags": ["b", "a", "b"]}).tags == ("b", "a")

    def test_a_function_cannot_be_stored_with_a_single_job(self):
        assert "does not fit a single job" in refusal(backoff=Custom(lambda attempt: 1))

    def test_a_function_is_a_backoff_for_a_handler(self):
        backoff = Custom(float)

        assert JobOptions.of_handler({"backoff": backoff}).backoff == backoff


class TestTimes:
    NAIVE = datetime(2026, 7, 1, 12)  # noqa: DTZ001 - on purpose

    def test_run_at_and_delay_exclude_each_other(self):
        told = refusal(run_at=datetime(2026, 7, 1, tzinfo=UTC), delay=0)

        assert "'run_at'" in told
        assert "'delay'" in told
        assert "exclude each other" in told

    @pytest.mark.parametrize("option", ["run_at", "expires_at"])
    def test_a_naive_time_is_refused_where_the_site_uses_time_zones(self, option: str):
        assert "must be an aware datetime" in refusal(**{option: self.NAIVE})

    @override_settings(USE_TZ=False, TIME_ZONE="Europe/Berlin")
    def test_a_naive_time_is_local_where_the_site_uses_none(self):
        run_at = JobOptions.of_call({"run_at": self.NAIVE}).run_at

        assert run_at == datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
        assert run_at == datetime(2026, 7, 1, 10, tzinfo=UTC)

    @override_settings(USE_TZ=False)
    def test_an_aware_time_is_taken_as_it_is_everywhere(self):
        aware = datetime(2026, 7, 1, tzinfo=UTC)

        assert JobOptions.of_call({"run_at": aware}).run_at == aware


class TestUniqueness:
    @pytest.mark.parametrize(
        "given",
        [
            {"unique": True, "unique_by": ["a"]},
            {"unique": True, "unique_key": "k"},
            {"unique_by": ["a"], "unique_key": "k"},
            {"unique": False, "unique_key": "k"},
        ],
    )
    def test_two_ways_to_make_a_key_exclude_each_other(self, given: dict[str, Any]):
        assert "exclude each other" in refusal(**given)

    @pytest.mark.parametrize(
        "given", [{"unique_for": 60}, {"unique_while": "waiting"}, {"on_conflict": "raise"}]
    )
    def test_how_to_use_a_key_is_refused_where_there_is_none(self, given: dict[str, Any]):
        with pytest.raises(InvalidOptions, match="there is none: add unique=True"):
            JobOptions.of_call(given).check_key()


class TestCombining:
    @staticmethod
    def over(base: dict[str, Any], said: dict[str, Any]) -> JobOptions:
        return JobOptions.of_call(said).over(JobOptions.of_call(base))

    def test_what_is_said_later_holds_and_the_rest_stays(self):
        both = self.over({"queue": "a", "priority": 3, "backoff": NoRetry()}, {"queue": "b"})

        assert both == JobOptions(queue="b", priority=3, backoff=NoRetry())

    def test_priority_zero_is_said(self):
        assert self.over({"priority": 3}, {"priority": 0}).priority == 0

    def test_a_later_delay_replaces_an_earlier_time(self):
        both = self.over({"run_at": datetime(2026, 7, 1, tzinfo=UTC)}, {"delay": 0})

        assert both == JobOptions(delay=0.0)

    def test_a_later_key_replaces_an_earlier_way_to_make_one(self):
        both = self.over({"unique_by": ["a"], "unique_for": 60}, {"unique_key": "k"})

        assert both == JobOptions(unique_key="k", unique_for=timedelta(seconds=60))

    def test_unique_false_takes_back_everything_about_the_key(self):
        both = self.over(
            {"unique": True, "unique_for": 60, "on_conflict": "raise"}, {"unique": False}
        )

        assert not both.wants_unique
        assert both.check_key() == JobOptions(unique=False)

    def test_tags_are_added_and_meta_is_merged(self):
        both = self.over(
            {"tags": ["a", "b"], "meta": {"x": 1, "y": 1}},
            {"tags": ["b", "c"], "meta": {"y": 2}},
        )

        assert both.tags == ("a", "b", "c")
        assert both.meta == {"x": 1, "y": 2}

    def test_backoff_is_replaced_whole(self):
        assert self.over({"backoff": NoRetry()}, {"backoff": Constant(1)}).backoff == Constant(1)
