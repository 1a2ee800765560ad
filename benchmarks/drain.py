"""How fast a backlog of no-op jobs is worked off, and how far that is from the limit."""

import json
import tempfile
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from django.db import connection, transaction
from django.db.models import Max, Min

from django_jobqueue import conf
from django_jobqueue.models import ArchivedJob, WorkerRecord

from .children import LIMIT, WORKER_UNTIL_EMPTY, Children, started
from .databases import empty_tables, settle
from .evidence import check_exactly_once
from .jobs import CALLS_FOLDER, noop
from .limit import BATCH, THREADS
from .report import Report, progress

CHUNK = 5_000
DRAIN_SECONDS = 900
LOOK_SECONDS = 0.01
#: SQLite's clock counts milliseconds.
SHORTEST = timedelta(milliseconds=1)
MEASURED = (
    "from the first claimed_at to the last finished_at in the archive, both by the database's clock"
)


def run(options: Namespace) -> Report:
    """Measure limit and worker in turn; NotExactlyOnce if one of them lost or repeated a job."""
    limits: list[float] = []
    ours: list[float] = []
    for number in range(1, options.runs + 1):
        for name, command, rates in (
            ("limit", LIMIT, limits),
            ("worker", WORKER_UNTIL_EMPTY, ours),
        ):
            rates.append(_jobs_per_second(command, jobs=options.jobs, processes=options.processes))
            progress(f"run {number} of {options.runs}, {name}: {rates[-1]:,.0f} jobs/s")
    return _report(options, limits, ours)


def _jobs_per_second(command: Sequence[str], *, jobs: int, processes: int) -> float:
    """Work off a fresh backlog with the command."""
    _fill(jobs)
    with tempfile.TemporaryDirectory(prefix="jobqueue-calls-") as folder:
        with started(command, count=processes, environment={CALLS_FOLDER: folder}) as children:
            with claims_held_back():
                wait_for_workers(children, processes)
            children.wait(DRAIN_SECONDS)
        check_exactly_once(jobs, calls=_calls(Path(folder)))
    return jobs / seconds_taken()


def _fill(jobs: int) -> None:
    empty_tables()
    for first in range(0, jobs, CHUNK):
        noop.enqueue_many({"number": n} for n in range(first, min(first + CHUNK, jobs)))
    settle()


@contextmanager
def claims_held_back() -> Iterator[None]:
    """Let no process claim before all have started; some would work while others still import."""
    if connection.vendor == "sqlite":
        yield  # one process: nothing to wait for, and its worker row needs the write lock
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE jobqueue_job IN EXCLUSIVE MODE")
        yield


def wait_for_workers(children: Children, processes: int) -> None:
    """Return once so many have registered."""
    if connection.vendor == "sqlite":
        return
    while WorkerRecord.objects.count() < processes:
        children.pause(LOOK_SECONDS)


def _calls(folder: Path) -> Iterable[int]:
    for file in folder.iterdir():
        yield from json.loads(file.read_text())


def seconds_taken() -> float:
    """How long it took to work off what is in the archive."""
    times = ArchivedJob.objects.aggregate(first=Min("claimed_at"), last=Max("finished_at"))
    took: timedelta = times["last"] - times["first"]
    return max(took, SHORTEST).total_seconds()


def _report(options: Namespace, limits: Sequence[float], ours: Sequence[float]) -> Report:
    ratios = [mine / limit for mine, limit in zip(ours, limits, strict=True)]
    runs = [_figures(*rates) for rates in zip(limits, ours, ratios, strict=True)]
    middle = _figures(median(limits), median(ours), median(ratios))
    about = {name: getattr(options, name) for name in ("database", "jobs", "processes")}
    return Report(
        title=(
            f"drain: {options.jobs:,} no-op jobs with one integer argument, {options.database}, "
            f"workers: {options.processes}, measured {MEASURED}"
        ),
        figures={"benchmark": "drain", **about, **middle, "runs": runs, "measured": MEASURED},
        settings={
            "concurrency": conf.current().concurrency,
            "limit_batch": BATCH,
            "limit_threads": THREADS,
        },
        table=[
            ("run", "limit jobs/s", "worker jobs/s", "ratio"),
            *((number, *run.values()) for number, run in enumerate(runs, start=1)),
            ("median", *middle.values()),
        ],
    )


def _figures(limit: float, ours: float, ratio: float) -> dict[str, float]:
    return {
        "limit_jobs_per_second": round(limit),
        "jobs_per_second": round(ours),
        "ratio": round(ratio, 3),
    }
