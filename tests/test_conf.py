from datetime import timedelta
from pathlib import Path

import pytest
from django.test import override_settings

from django_jobqueue.conf import JobQueueSettings, current
from django_jobqueue.core.backoff import Constant, Exponential
from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.core.retry import RetryPolicy


def refusal(**given: object) -> str:
    with pytest.raises(InvalidSettings) as refused:
        JobQueueSettings.load(given)
    return str(refused.value)


class TestDefaults:
    def test_a_site_without_the_setting_has_the_defaults(self):
        loaded = JobQueueSettings.load({})

        assert loaded.database == "default"
        assert loaded.lease == timedelta(seconds=30)
        assert loaded.heartbeat_interval == timedelta(seconds=5)
        assert loaded.max_attempts == 3
        assert loaded.max_payload_bytes == 256 * 1024
        assert loaded.archive_retention == timedelta(days=7)
        assert loaded.dead_retention == timedelta(days=90)

    def test_the_default_backoff_starts_at_five_seconds_and_doubles_up_to_an_hour(self):
        assert JobQueueSettings.load({}).backoff == Exponential(
            initial=5, factor=2, max_delay=3600, jitter=0.1
        )


class TestValues:
    def test_a_key_in_upper_case_becomes_a_field_in_lower_case(self):
        assert JobQueueSettings.load({"CONCURRENCY": 3}).concurrency == 3

    @pytest.mark.parametrize("value", [45, 45.0, timedelta(seconds=45)])
    def test_a_span_is_given_in_seconds_or_as_timedelta(self, value: object):
        assert JobQueueSettings.load({"LEASE": value}).lease == timedelta(seconds=45)

    def test_a_backoff_is_given_as_a_value(self):
        assert JobQueueSettings.load({"BACKOFF": Constant(7)}).backoff == Constant(7)

    @pytest.mark.parametrize("value", ["/var/spool/site", Path("/var/spool/site")])
    def test_a_directory_is_given_as_a_text_or_a_path(self, value: object):
        assert JobQueueSettings.load({"SPOOL": value}).spool == Path("/var/spool/site")
        assert JobQueueSettings.load({}).spool is None

    @pytest.mark.parametrize(
        ("value", "address"),
        [
            (None, None),
            ("127.0.0.1:8787", ("127.0.0.1", 8787)),
            ("localhost:0", ("localhost", 0)),
            ("[::1]:80", ("::1", 80)),
        ],
    )
    def test_an_address_is_given_as_host_and_port(self, value: object, address: object):
        loaded = JobQueueSettings.load({"PROBES": value}).probes

        assert loaded == address
        assert value is None or str(loaded) == value

    def test_none_lifts_the_limit_on_reprocessing(self):
        assert JobQueueSettings.load({"MAX_REPROCESS_COUNT": None}).max_reprocess_count is None

    def test_settings_cannot_be_changed_after_loading(self):
        with pytest.raises(AttributeError):
            JobQueueSettings().lease = timedelta(0)  # type: ignore[misc]

    def test_the_retry_policy_of_the_site_is_what_its_settings_say(self):
        loaded = JobQueueSettings.load(
            {"MAX_ATTEMPTS": 9, "BACKOFF": Constant(7), "MAX_RESCUES": 1, "MAX_REPROCESS_COUNT": 5}
        )

        assert loaded.retry_policy == RetryPolicy(
            max_attempts=9, backoff=Constant(7), max_rescues=1, max_reprocess_count=5
        )


class TestRefusals:
    def test_a_misspelt_key_is_answered_with_the_nearest_one(self):
        assert refusal(CONCURENCY=3) == (
            "unknown setting JOBQUEUE['CONCURENCY']. Did you mean 'CONCURRENCY'?"
        )

    def test_a_key_in_lower_case_is_answered_with_the_upper_case_one(self):
        assert "Did you mean 'LEASE'?" in refusal(lease=30)

    def test_a_key_that_resembles_nothing_is_answered_with_all_of_them(self):
        assert "The keys are: DATABASE, " in refusal(COLOUR="red")

    def test_a_setting_that_is_no_dictionary_is_refused(self):
        with pytest.raises(InvalidSettings, match="must be a dictionary"):
            JobQueueSettings.load(["LEASE"])  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("key", "value", "must"),
        [
            ("DATABASE", "", "a text that is not empty"),
            ("SPOOL", "spool", "the absolute path of a directory, or None"),
            ("SPOOL", True, "the absolute path of a directory, or None"),
            ("DATABASE", 1, "a text that is not empty"),
            ("CONCURRENCY", 0, "a whole number from 1 to 2,147,483,647"),
            ("CONCURRENCY", "10", "a whole number from 1 to 2,147,483,647"),
            ("CONCURRENCY", True, "a whole number from 1 to 2,147,483,647"),
            ("MAX_ATTEMPTS", 32_768, "a whole number from 1 to 32,767"),
            ("MAX_RESCUES", -1, "a whole number from 0 to 32,767"),
            ("MAX_REPROCESS_COUNT", 0, "a whole number from 1 to 32,767, or None"),
            ("POLL_INTERVAL", 0, "a timedelta or a number of seconds, above 0"),
            ("POLL_INTERVAL", "1s", "a timedelta or a number of seconds, above 0"),
            ("POLL_INTERVAL", False, "a timedelta or a number of seconds, above 0"),
            ("DRAIN", -1, "a timedelta or a number of seconds, not below 0"),
            ("LEASE", float("nan"), "a timedelta or a number of seconds, above 0"),
            ("LEASE", float("inf"), "a timedelta or a number of seconds, above 0"),
            ("BACKOFF", 5, "a backoff, such as django_jobqueue.Exponential(initial=5)"),
            ("PREPARED_STATEMENTS", 1, "True or False"),
            *(
                ("PROBES", wrong, 'HOST:PORT, such as "127.0.0.1:8787", or None')
                for wrong in (
                    8787,
                    "",
                    "8787",
                    ":8787",
                    "a:b",
                    "a:65536",
                    "::1:80",
                    "a b:1",
                    "a:1\n",
                )
            ),
            ("SERVICES", "a.b", 'a list of dotted paths, such as "shop.services.PriceFeed"'),
            ("SERVICES", [1], 'a list of dotted paths, such as "shop.services.PriceFeed"'),
        ],
    )
    def test_a_wrong_value_is_named_with_what_it_must_be(self, key: str, value: object, must: str):
        assert refusal(**{key: value}) == f"JOBQUEUE[{key!r}] is {value!r}: it must be {must}."

    def test_zero_is_a_span_where_it_means_at_once(self):
        loaded = JobQueueSettings.load({"DRAIN": 0, "UNKNOWN_HANDLER_GRACE": 0})

        assert loaded.drain == loaded.unknown_handler_grace == timedelta(0)

    def test_a_lease_below_four_heartbeats_is_refused_with_both_ways_out(self):
        assert refusal(LEASE=19, HEARTBEAT_INTERVAL=5) == (
            "JOBQUEUE['LEASE'] is 19 s: it must cover 4 heartbeats of 5 s each, or live workers "
            "lose their jobs. Set it to at least 20 s, or lower JOBQUEUE['HEARTBEAT_INTERVAL']."
        )

    def test_a_lease_of_exactly_four_heartbeats_is_accepted(self):
        loaded = JobQueueSettings.load({"LEASE": 0.4, "HEARTBEAT_INTERVAL": 0.1})

        assert loaded.lease == timedelta(seconds=0.4)


class TestTheSettingsOfTheProcess:
    def test_they_are_read_once(self):
        assert current() is current()

    def test_they_follow_an_overridden_setting_and_return(self):
        before = current().concurrency
        with override_settings(JOBQUEUE={"CONCURRENCY": 77}):
            assert current().concurrency == 77
        assert current().concurrency == before

    def test_another_setting_that_changes_leaves_them_cached(self):
        kept = current()
        with override_settings(TIME_ZONE="Asia/Tokyo"):
            assert current() is kept
