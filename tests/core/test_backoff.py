import json
import logging
import math
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.backoff import (
    Constant,
    Custom,
    Exponential,
    Linear,
    NoRetry,
    Polynomial,
    backoff_from_json,
)

HOUR, DAY = 3600.0, 86_400.0

spans = st.floats(0, 3650 * DAY)
numbers = {"max_delay": spans, "jitter": st.floats(0, 1)}
factors = st.floats(1, allow_infinity=False)
powers = st.floats(0, allow_infinity=False)
storable = st.one_of(
    st.builds(NoRetry, **numbers),
    st.builds(Constant, spans, **numbers),
    st.builds(Linear, spans, **numbers),
    st.builds(Polynomial, powers, spans, **numbers),
    st.builds(Exponential, spans, factors, **numbers),
)
answers = st.one_of(st.floats(), st.integers(), st.none(), st.text(), st.timedeltas())
custom = st.builds(lambda answer, **rest: Custom(lambda _: answer, **rest), answers, **numbers)


@given(backoff=st.one_of(storable, custom), attempt=st.integers(-5, 10**7) | st.just(10**400))
def test_any_backoff_answers_any_attempt_between_zero_and_its_cap(backoff, attempt):
    assert 0 <= backoff.seconds(attempt) <= backoff.max_delay


@given(backoff=storable)
def test_a_backoff_comes_back_equal_from_json(backoff):
    assert backoff_from_json(json.loads(json.dumps(backoff.to_json()))) == backoff


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        (NoRetry(), [0, 0, 0]),
        (Constant(7), [7, 7, 7]),
        (Linear(7), [7, 14, 21]),
        (Polynomial(3, 10), [11, 18, 37]),
        (Polynomial(0.5), [1, math.sqrt(2), math.sqrt(3)]),
        (Exponential(5, 3, jitter=0), [5, 15, 45]),
        (Custom(lambda attempt: 100 - attempt), [99, 98, 97]),
        (Custom(lambda attempt: timedelta(minutes=attempt)), [60, 120, 180]),
    ],
    ids=repr,
)
def test_each_backoff_follows_its_formula(backoff, waits):
    assert [backoff.seconds(attempt) for attempt in (1, 2, 3)] == waits


@pytest.mark.parametrize(
    ("backoff", "cap"),
    [
        (Linear(10), HOUR),
        (Polynomial(10), DAY),
        (Exponential(jitter=0), HOUR),
        (Exponential(factor=1e300, jitter=0), HOUR),
        (Polynomial(power=1e300), DAY),
        (Constant(7200), HOUR),
        (Constant(7200, max_delay=60), 60),
        (Custom(lambda attempt: 10**attempt, max_delay=timedelta(minutes=2)), 120),
        (Custom(lambda _: math.inf), HOUR),
    ],
    ids=repr,
)
@pytest.mark.parametrize("attempt", [1000, 10**6])
def test_a_late_attempt_waits_no_longer_than_the_cap(backoff, cap, attempt):
    assert backoff.seconds(attempt) == cap


@pytest.mark.parametrize("backoff", [Linear(7), Polynomial(3), Exponential(jitter=0)], ids=repr)
def test_a_job_that_has_not_run_waits_as_after_its_first_run(backoff):
    assert backoff.seconds(0) == backoff.seconds(-3) == backoff.seconds(1)


def test_the_default_is_five_seconds_doubling_up_to_an_hour_with_a_tenth_of_jitter():
    default = Exponential()

    assert (default.initial, default.factor) == (5, 2)
    assert (default.max_delay, default.jitter) == (HOUR, 0.1)


def test_jitter_spreads_answers_around_the_formula():
    random = Random(1)
    waits = [Constant(100, jitter=0.2).seconds(1, random=random) for _ in range(500)]

    assert 80 <= min(waits) < 85
    assert 115 < max(waits) <= 120


def test_jitter_spreads_what_is_capped_below_the_cap():
    random = Random(1)
    waits = [Constant(100, jitter=0.2, max_delay=100).seconds(1, random=random) for _ in range(99)]

    assert max(waits) <= 100
    assert len(set(waits)) == len(waits)


def test_a_span_may_be_given_as_a_timedelta():
    assert Constant(timedelta(minutes=1), max_delay=timedelta(hours=2)) == Constant(
        60, max_delay=7200
    )
    assert Exponential(timedelta(seconds=3), jitter=0).seconds(2) == 6


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Constant(-1), "delay=-1"),
        (lambda: Constant("soon"), "delay='soon'"),
        (lambda: Constant(True), "delay=True"),
        (lambda: Constant(None), "delay=None"),
        (lambda: Linear(timedelta(days=-1)), "delay=datetime.timedelta"),
        (lambda: Polynomial(-1), "power=-1"),
        (lambda: Polynomial(2, math.nan), "offset=nan"),
        (lambda: Exponential(10**400), "initial=1000"),
        (lambda: Exponential(factor=0.5), "factor=0.5"),
        (lambda: Exponential(factor=math.inf), "factor=inf"),
        (lambda: Exponential(jitter=1.5), "jitter=1.5"),
        (lambda: Constant(1, max_delay=math.inf), "max_delay=inf"),
        (lambda: NoRetry(max_delay=-1), "max_delay=-1"),
        (lambda: Custom("not a function"), "not a function"),
        (lambda: Custom(lambda _: 1, max_delay=-1), "max_delay=-1"),
    ],
)
def test_a_number_out_of_range_is_refused_by_name_and_value(make, told):
    with pytest.raises(ValueError, match="must be") as caught:
        make()
    assert told in str(caught.value)


def test_a_refused_number_is_told_how_far_it_may_go():
    with pytest.raises(ValueError, match=r"jitter must be .* at least 0 and at most 1$"):
        Exponential(jitter=2)
    with pytest.raises(ValueError, match=r"factor must be .* at least 1$"):
        Exponential(factor=0)


@pytest.mark.parametrize("answer", [math.nan, "soon", None])
def test_a_custom_backoff_without_a_usable_answer_falls_back_and_says_so(answer, caplog):
    broken = Custom(lambda _: answer)

    with caplog.at_level(logging.ERROR, logger="django_jobqueue"):
        assert [broken.seconds(attempt) for attempt in (1, 2, 3)] == [5, 10, 20]
    assert "at attempt 3; using the default" in caplog.text


def test_a_custom_backoff_that_raises_falls_back_and_logs_the_error(caplog):
    with caplog.at_level(logging.ERROR, logger="django_jobqueue"):
        assert Custom(lambda attempt: 1 / (attempt - 4)).seconds(4) == 40
    assert "ZeroDivisionError" in caplog.text


def test_a_custom_backoff_in_the_past_means_now():
    assert Custom(lambda _: -5).seconds(1) == 0


def test_a_custom_backoff_cannot_be_stored_with_a_job():
    with pytest.raises(ValueError, match="Declare it on the handler"):
        Custom(lambda _: 1).to_json()


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {},
        {"kind": "custom"},
        {"kind": "constant"},
        {"kind": "constant", "delay": -1},
        {"kind": "constant", "delay": 1, "speed": 2},
        {"kind": ["constant"]},
    ],
)
def test_json_that_describes_no_backoff_is_refused(stored):
    with pytest.raises(ValueError, match=r"describes no backoff|must be a finite number"):
        backoff_from_json(stored)


@pytest.mark.parametrize(
    ("backoff", "stored"),
    [
        (NoRetry(), {"kind": "no_retry", "max_delay": 3600.0, "jitter": 0.0}),
        (Constant(5), {"kind": "constant", "max_delay": 3600.0, "jitter": 0.0, "delay": 5.0}),
        (Linear(5), {"kind": "linear", "max_delay": 3600.0, "jitter": 0.0, "delay": 5.0}),
        (
            Polynomial(),
            {
                "kind": "polynomial",
                "max_delay": 86_400.0,
                "jitter": 0.0,
                "power": 4.0,
                "offset": 0.0,
            },
        ),
        (
            Exponential(),
            {
                "kind": "exponential",
                "max_delay": 3600.0,
                "jitter": 0.1,
                "initial": 5.0,
                "factor": 2.0,
            },
        ),
    ],
)
def test_what_is_stored_with_a_job_never_changes(backoff, stored):
    assert backoff.to_json() == stored


def test_ten_years_are_the_longest_wait():
    assert Constant(3650 * 86_400).delay == 3650 * 86_400
    with pytest.raises(ValueError, match="delay must be"):
        Constant(3650 * 86_400 + 1)


def test_json_with_a_number_too_many_says_which():
    with pytest.raises(ValueError, match=r"describes no backoff: .*'speed'"):
        backoff_from_json({"kind": "constant", "delay": 1, "speed": 2})


def test_only_no_retry_allows_none():
    assert not NoRetry().allows_retry
    assert Exponential().allows_retry
