import pytest

from django_jobqueue.core.backoff import Constant, Exponential, NoRetry
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.retry import RetryPolicy, attempts_of


def test_the_defaults_are_three_attempts_a_hundred_snoozes_and_three_rescues():
    policy = RetryPolicy.of()

    assert policy == RetryPolicy()
    assert (policy.max_attempts, policy.max_reprocess_count, policy.max_rescues) == (3, 100, 3)
    assert policy.backoff == Exponential()


def test_retries_count_one_attempt_less_than_attempts():
    assert RetryPolicy.of(max_retries=4) == RetryPolicy.of(max_attempts=5)
    assert RetryPolicy.of(max_retries=0).max_attempts == 1
    assert RetryPolicy.of(max_retries=32_766).max_attempts == 32_767


def test_attempts_and_retries_together_are_refused():
    with pytest.raises(InvalidOptions, match=r"max_retries.*\(2\) and max_attempts \(3\)"):
        RetryPolicy.of(max_attempts=3, max_retries=2)


def test_attempts_that_nobody_chose_are_the_default_that_is_handed_in():
    assert attempts_of(default=8) == 8
    assert attempts_of(max_attempts=1, default=8) == 1
    with pytest.raises(InvalidOptions, match="max_attempts"):
        attempts_of(max_attempts=0)
    assert RetryPolicy.of(max_reprocess_count=1).max_reprocess_count == 1


@pytest.mark.parametrize(
    "options",
    [
        {"max_attempts": 0},
        {"max_attempts": 2.0},
        {"max_attempts": True},
        {"max_attempts": 40_000},
        {"max_retries": -1},
        {"max_retries": "3"},
        {"max_rescues": -1},
        {"max_reprocess_count": 0},
        {"backoff": 5},
        {"retry_on": "ValueError"},
        {"retry_on": 5},
        {"discard_on": [ValueError, "KeyError"]},
        {"max_retries": 32_767},
        {"discard_on": int},
        {"discard_on": 5},
    ],
    ids=repr,
)
def test_an_option_of_the_wrong_kind_is_refused_by_name(options):
    [name] = options
    with pytest.raises(InvalidOptions) as caught:
        RetryPolicy.of(**options)
    assert caught.value.option == name


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"max_rescues": -1}, {"backoff": 5}])
def test_the_constructor_refuses_what_is_out_of_range_too(wrong):
    [name] = wrong
    with pytest.raises(InvalidOptions) as caught:
        RetryPolicy(**wrong)
    assert caught.value.option == name


def test_classes_that_were_given_to_the_constructor_are_a_tuple():
    with pytest.raises(InvalidOptions, match="must be a tuple of exception classes") as caught:
        RetryPolicy(discard_on=[ValueError])  # type: ignore[arg-type]
    assert caught.value.option == "discard_on"


def test_no_bound_on_snoozes_and_no_rescue_at_all_are_legal():
    policy = RetryPolicy.of(max_reprocess_count=None, max_rescues=0)

    assert (policy.max_reprocess_count, policy.max_rescues) == (None, 0)


def test_without_a_backoff_there_is_one_attempt():
    assert RetryPolicy.of(max_attempts=5, backoff=NoRetry()).attempts_allowed == 1
    assert RetryPolicy.of(max_attempts=5, backoff=Constant(1)).attempts_allowed == 5


class TestWhichFailuresAreWorthAnotherRun:
    def test_all_are_unless_said_otherwise(self):
        assert RetryPolicy().is_worth_retrying(ValueError())
        assert RetryPolicy().is_worth_retrying(SystemExit())

    def test_retry_on_leaves_only_those(self):
        policy = RetryPolicy.of(retry_on=OSError)

        assert policy.is_worth_retrying(ConnectionError())
        assert not policy.is_worth_retrying(ValueError())

    def test_discard_on_leaves_out_those(self):
        policy = RetryPolicy.of(discard_on=[KeyError, ValueError])

        assert not policy.is_worth_retrying(UnicodeError())
        assert policy.is_worth_retrying(OSError())

    def test_discard_on_wins_over_retry_on(self):
        policy = RetryPolicy.of(retry_on=OSError, discard_on=FileNotFoundError)

        assert policy.is_worth_retrying(PermissionError())
        assert not policy.is_worth_retrying(FileNotFoundError())

    def test_an_empty_retry_on_retries_nothing(self):
        assert not RetryPolicy.of(retry_on=()).is_worth_retrying(OSError())
