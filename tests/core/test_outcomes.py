"""What a handler may answer with."""

import math
from datetime import datetime, timedelta
from typing import Any

import pytest

from django_jobqueue.core.outcomes import Retry, Snooze
from tests.claims import MOMENT

LATER: list[Any] = [Retry, Snooze]


@pytest.mark.parametrize("answer", LATER)
@pytest.mark.parametrize("delay", [math.inf, math.nan, "soon", [5]])
def test_a_delay_that_is_no_span_is_refused_in_the_handlers_own_line(answer: Any, delay: object):
    with pytest.raises(ValueError, match=rf"{answer.__name__}\(delay=.*finite number of seconds"):
        answer(delay=delay)


@pytest.mark.parametrize("answer", LATER)
@pytest.mark.parametrize("at", [datetime(2026, 1, 1), "2026-01-01", 5])  # noqa: DTZ001  (the point)
def test_a_time_that_names_no_moment_is_refused(answer: Any, at: object):
    with pytest.raises(ValueError, match=rf"{answer.__name__}\(at=.*time zone"):
        answer(at=at)


@pytest.mark.parametrize("answer", LATER)
@pytest.mark.parametrize("when", [{}, {"delay": 0}, {"delay": timedelta(days=1)}, {"at": MOMENT}])
def test_a_span_a_moment_or_neither_is_fine(answer: Any, when: dict[str, Any]):
    assert {name: getattr(answer(**when), name) for name in when} == when
