"""One component that is asked, without a registry around it."""

import threading

from django_jobqueue.service.checks import CheckedComponent
from django_jobqueue.service.statuses import Health, HealthStatus

from .running import PATIENCE


def looked_at_late(*, seconds: float, failed_after: float) -> Health:
    """What a check of so many seconds says to somebody who looks when it is over."""

    def check():
        threading.Event().wait(seconds)
        return HealthStatus.READY

    component = CheckedComponent("disk", check, slow_after=10, failed_after=failed_after)
    outcome = component.begin()
    for thread in threading.enumerate():
        if thread.name == "jobqueue-health-disk":
            thread.join(PATIENCE)
    return outcome()


def test_an_answer_that_came_too_late_is_none_although_it_is_there_by_now():
    late = looked_at_late(seconds=0.05, failed_after=0.01)

    assert late.status is HealthStatus.NOT_READY


def test_an_answer_that_came_in_time_stays_one_for_who_looks_late():
    assert looked_at_late(seconds=0, failed_after=10) == Health(status=HealthStatus.READY)
