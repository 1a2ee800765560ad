"""What holds where nobody said anything else, and the words that are read by others."""

from inspect import Parameter, signature
from typing import Any

import pytest

from django_jobqueue.service import Health, HealthRegistry, HealthStatus, Service
from django_jobqueue.service.loop import TickingTask
from django_jobqueue.service.pace import Pace

DEFAULTS: dict[type, dict[str, Any]] = {
    HealthRegistry: {"slow_after": 0.5, "failed_after": 3.0},
    Pace: {"jitter": 0.1, "backoff": 1.0, "max_backoff": 30.0},
    TickingTask: {"jitter": 0.1, "backoff": 1.0, "max_backoff": 30.0},
    Service: {"shutdown_timeout": 30.0, "hook_timeout": 30.0},
}


@pytest.mark.parametrize("kind", DEFAULTS, ids=lambda kind: kind.__name__)
def test_seconds_and_shares_are_these_unless_somebody_says_others(kind: type):
    numbers = {
        name: parameter.default
        for name, parameter in signature(kind).parameters.items()
        if parameter.default is not Parameter.empty and isinstance(parameter.default, float)
    }

    assert numbers == DEFAULTS[kind]


def test_a_component_that_says_no_more_than_its_status_was_quick_and_has_no_details():
    health = Health(status=HealthStatus.READY)

    assert (health.details, health.is_slow) == ({}, False)


def test_the_words_of_a_health_page_are_these_from_best_to_worst():
    assert [status.value for status in HealthStatus] == [
        "Ready",
        "Affected",
        "ShuttingDown",
        "ShutDown",
        "NotReady",
        "Panicked",
    ]
