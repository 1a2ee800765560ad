import threading

import pytest

from django_jobqueue.service.pace import Pace


def test_what_a_tick_asks_for_is_kept_exactly():
    pace = Pace(interval=10, jitter=0.5)

    assert [pace.after_tick(asked) for asked in (0, 0.25, 3600)] == [0, 0.25, 3600]


def test_the_interval_is_exact_without_jitter():
    assert Pace(interval=10, jitter=0).after_tick(None) == 10


def test_the_interval_is_spread_by_the_jitter_both_ways():
    pace = Pace(interval=10, jitter=0.2)
    pauses = [pace.after_tick(None) for _ in range(500)]

    assert 8 <= min(pauses) < 9
    assert 11 < max(pauses) <= 12


def test_the_backoff_doubles_up_to_its_cap():
    pace = Pace(interval=10, jitter=0, backoff=1, max_backoff=30)

    assert [pace.after_errors(count) for count in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_the_backoff_is_capped_after_any_number_of_errors():
    assert Pace(interval=1, jitter=0, max_backoff=30).after_errors(10**9) == 30


def test_a_jittered_backoff_is_never_shorter_than_said():
    pauses = [Pace(interval=10, jitter=0.2, backoff=1).after_errors(1) for _ in range(500)]

    assert 1 <= min(pauses) < 1.1
    assert 1.1 < max(pauses) <= 1.2


def test_a_pause_is_one_that_a_thread_can_wait():
    pace = Pace(interval=threading.TIMEOUT_MAX, jitter=1)

    assert pace.after_tick(-5) == 0
    assert pace.after_tick(float("inf")) == threading.TIMEOUT_MAX
    assert max(pace.after_tick(None) for _ in range(50)) <= threading.TIMEOUT_MAX


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"interval": 0}, "interval"),
        ({"interval": -1}, "interval"),
        ({"interval": float("nan")}, "interval"),
        ({"interval": 1, "jitter": -0.1}, "jitter"),
        ({"interval": 1, "jitter": 1.1}, "jitter"),
        ({"interval": 1, "backoff": 0}, "backoff"),
        ({"interval": 1, "backoff": 5, "max_backoff": 4}, "max_backoff"),
    ],
)
def test_a_pace_that_makes_no_sense_is_refused(wrong, named):
    with pytest.raises(ValueError, match=named):
        Pace(**wrong)
