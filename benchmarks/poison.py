"""How fast the others are run while one job kills its process each time."""

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from statistics import median

from django.db.models import Max, Min

from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .children import WORKER, started
from .databases import empty_tables
from .evidence import NotExactlyOnce
from .jobs import kill_yourself, rest
from .report import Report, progress

CONCURRENCY = 16
REST_SECONDS = 0.02
DRAIN_SECONDS = 900


def run(options: Namespace) -> Report:
    """Measure a backlog without and with the poison job in turn.

    NotExactlyOnce if one of the others did not succeed at its first attempt, or the poison is no
    dead letter.
    """
    rates: dict[bool, list[float]] = {False: [], True: []}
    for number in range(1, options.runs + 1):
        for poisoned, found in rates.items():
            found.append(_jobs_per_second(options, poisoned=poisoned))
            about = "with the poison" if poisoned else "alone"
            progress(f"run {number} of {options.runs}, {about}: {found[-1]:,.0f} jobs/s")
    return _report(options, alone=rates[False], beside=rates[True])


def _jobs_per_second(options: Namespace, *, poisoned: bool) -> float:
    empty_tables()
    half = options.jobs // 2
    rest.enqueue_many({"seconds": REST_SECONDS} for _ in range(half))
    if poisoned:
        kill_yourself.enqueue()
    rest.enqueue_many({"seconds": REST_SECONDS} for _ in range(options.jobs - half))
    command = [*WORKER, "--processes", str(options.processes), "--concurrency", str(CONCURRENCY)]
    with started(command) as worker:
        until = monotonic() + DRAIN_SECONDS
        while Job.objects.exists():
            if monotonic() > until:
                raise NotExactlyOnce(f"{Job.objects.count()} jobs were left")
            worker.pause(0.05)
    _check(options.jobs, poisoned=poisoned)
    times = ArchivedJob.objects.aggregate(began=Min("claimed_at"), ended=Max("finished_at"))
    began: datetime = times["began"]
    ended: datetime = times["ended"]
    return float(options.jobs) / (ended - began).total_seconds()


def _check(jobs: int, *, poisoned: bool) -> None:
    if (ended := ArchivedJob.objects.filter(attempt=1).count()) != jobs:
        raise NotExactlyOnce(f"{ended:,} of {jobs:,} jobs succeeded at their first attempt")
    errors = list(DeadJob.objects.values_list("error", flat=True))
    if len(errors) != poisoned or not all("SIGSEGV" in str(error) for error in errors):
        raise NotExactlyOnce(f"dead letters: {errors}")


def _report(options: Namespace, *, alone: Sequence[float], beside: Sequence[float]) -> Report:
    ratio = median(mine / limit for limit, mine in zip(alone, beside, strict=True))
    without, with_it = round(median(alone)), round(median(beside))
    return Report(
        title="poison: jobs per second beside one that kills its process, " + options.database,
        figures={
            "benchmark": "poison",
            "database": options.database,
            "jobs": options.jobs,
            "jobs_per_second_alone": without,
            "jobs_per_second": with_it,
            "ratio": round(ratio, 3),
            "runs": [(round(a), round(b)) for a, b in zip(alone, beside, strict=True)],
        },
        settings={"concurrency": CONCURRENCY, "rest_seconds": REST_SECONDS},
        table=[("", "alone", "beside", "ratio"), ("jobs/s", without, with_it, round(ratio, 2))],
    )
