"""The steps of the demonstration, one after the other."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TextIO

from django.contrib.auth.models import User
from django.core.management import call_command

from example_project.census import places
from example_project.census.models import Census
from example_project.census.progress import Progress, progress_of
from example_project.census.starting import start_census

from .display import ProgressBar
from .findings import findings
from .worker import WorkerProcess, running_worker

ADMIN = "admin"
#: A pause between two looks at the database, in seconds.
LOOK_SECONDS = 0.25
#: Longer than the longest backoff of a job here.
PATIENCE_SECONDS = 120.0


class DemonstrationFailed(RuntimeError):
    """The census did not end as it should have; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line asked for."""

    folders: Sequence[Path]
    limit: int | None
    concurrency: int


def demonstrate(wishes: Wishes, *, say: Callable[[str], None], terminal: TextIO) -> None:
    """Run a census from an empty database to a published report; the progress bar is drawn on
    `terminal`, everything else is told line by line.

    DemonstrationFailed, WorkerFailed and NothingToCount say what went wrong.
    """
    call_command("migrate", verbosity=0)
    told_admin = _ensure_admin()
    started = monotonic()
    census = start_census(wishes.folders, limit=wishes.limit)
    total = progress_of(census).total
    say(f"Census {census.pk} of {' and '.join(census.folders)}")
    say(f"{total:,} jobs were enqueued in one transaction.")
    with running_worker(["--concurrency", str(wishes.concurrency)]) as worker:
        _watch(census, worker, bar=ProgressBar(terminal))
        worker.stop()
    census.refresh_from_db()
    if not (census.is_complete and census.report_name):
        raise DemonstrationFailed(
            "every job has ended, but the report was not published: "
            "look at the dead letters in the admin"
        )
    for line in findings(census):
        say(line)
    say(f"It took {monotonic() - started:.1f} s, with the start and the stop of the worker.")
    say(_where_to_look(census, told_admin))


def _ensure_admin() -> str:
    """Return the name, and the password where the user was made just now."""
    if User.objects.filter(username=ADMIN).exists():
        return f"user {ADMIN}, who was there already"
    User.objects.create_superuser(ADMIN, password=ADMIN)
    return f"user {ADMIN}, password {ADMIN}: made for this demonstration, for this machine only"


def _watch(census: Census, worker: WorkerProcess, *, bar: ProgressBar) -> None:
    """Show the progress until every job of the census is final."""
    last: Progress | None = None
    moved = monotonic()
    try:
        while True:
            progress = progress_of(census)
            bar.show(progress)
            if progress.is_settled:
                return
            if progress != last:
                last, moved = progress, monotonic()
            elif monotonic() - moved > PATIENCE_SECONDS:
                raise DemonstrationFailed(
                    f"nothing has moved for {PATIENCE_SECONDS:g} s: {progress.waiting} jobs wait, "
                    f"{progress.running} run. Is the queue paused in the admin?"
                )
            worker.watch(LOOK_SECONDS)
    finally:
        bar.close()


def _where_to_look(census: Census, told_admin: str) -> str:
    python = os.path.relpath(sys.executable, places.CHECKOUT)
    if python.startswith(os.pardir):
        python = sys.executable
    report = places.reports() / census.report_name
    return f"""
Look at it: {python} manage.py runserver
  http://127.0.0.1:8000/census/{census.pk}/      the census
  http://127.0.0.1:8000/admin/jobqueue/  its jobs ({told_admin})
The report: {os.path.relpath(report, places.CHECKOUT)}"""
