"""Jobs that run as soon as they are enqueued, for tests that are about something else."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from django_jobqueue import conf
from django_jobqueue.events import events

from .running import is_running_here, run_jobs
from .runs import JobRuns
from .transactions import TransactionsOfTest

_ENQUEUED = ("job.enqueued", "job.replaced")


@contextmanager
def inline_jobs(*, raise_errors: bool = False) -> Iterator[JobRuns]:
    """Within the block, run what is due whenever something was enqueued, as `run_jobs` does; what
    is yielded grows with each run. It is a decorator, too.

    A job that is enqueued within `atomic()` runs when the outermost block has ended: as if workers
    were there, and quick. What is delayed, or waits for its next attempt, waits. What a handler
    raises is recorded, and concerns the enqueue no more than on the site; with `raise_errors` the
    first of them is raised at the end of the block.
    """
    runs, failures = JobRuns(), list[Exception]()

    def run() -> None:
        if is_running_here():
            return  # what runs will find it
        try:
            runs.extend(run_jobs())
        except Exception as error:  # who tells of an enqueue must not hear of it
            failures.append(error)

    def hear(name: str, facts: Mapping[str, Any]) -> None:
        transaction.on_commit(run, using=conf.current().database)

    with TransactionsOfTest().emulated():
        events.subscribe(hear, wants=_ENQUEUED.__contains__)
        try:
            yield runs
        finally:
            events.unsubscribe(hear)
    if failures:
        raise failures[0]
    errors = [run.error for run in runs if run.error is not None]
    if raise_errors and errors:
        raise errors[0]
