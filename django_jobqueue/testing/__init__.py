"""Helpers for the tests of a site: run its jobs, look at what it enqueued, move the clock.

    from django_jobqueue.testing import assert_enqueued, run_jobs

Every public name is here, and imported when it is first used, as pytest loads this package before
Django is set up. From then on a clock that freezegun or time-machine has moved holds for the queue,
too: statements of this thread no longer ask the database for the time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .assertions import assert_enqueued, enqueued_jobs, refute_enqueued
    from .clock import QueueClock, database_clock
    from .factories import make_job, make_worker
    from .mixins import JobsMixin
    from .modes import inline_jobs
    from .running import arun_jobs, run_jobs
    from .runs import JobRun, JobRuns
    from .schedules import declare_schedules

_HOMES = {
    "JobRun": "runs",
    "JobRuns": "runs",
    "JobsMixin": "mixins",
    "QueueClock": "clock",
    "arun_jobs": "running",
    "assert_enqueued": "assertions",
    "database_clock": "clock",
    "declare_schedules": "schedules",
    "enqueued_jobs": "assertions",
    "inline_jobs": "modes",
    "make_job": "factories",
    "make_worker": "factories",
    "refute_enqueued": "assertions",
    "run_jobs": "running",
}

__all__ = [
    "JobRun",
    "JobRuns",
    "JobsMixin",
    "QueueClock",
    "arun_jobs",
    "assert_enqueued",
    "database_clock",
    "declare_schedules",
    "enqueued_jobs",
    "inline_jobs",
    "make_job",
    "make_worker",
    "refute_enqueued",
    "run_jobs",
]


if not TYPE_CHECKING:  # type checkers would take it for proof that a misspelt name exists

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import_module(".clock", __name__).follow_moved_clocks()
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
