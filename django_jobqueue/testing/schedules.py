"""Schedules that are declared, as a worker finds them when it starts."""

from django_jobqueue import conf
from django_jobqueue.events import events
from django_jobqueue.jobs import declarations
from django_jobqueue.jobs.registry import registry
from django_jobqueue.store import store_for


def declare_schedules() -> None:
    """Bring the rows of schedules in step with what code and settings declare, as a worker does.

    Without it, run_jobs fires only schedules that were made at run time.
    """
    settings = conf.current()
    store = store_for(settings.database)
    declarations.declare_schedules(registry, settings, store=store, events=events)
