"""How fast jobs are worked off while very many others wait in the same queue."""

from argparse import Namespace
from collections.abc import Callable
from functools import partial

from django_jobqueue.models import ArchivedJob

from .children import WORKER, started
from .draining import calls_kept, claims_held_back, fill, wait_for_workers, wait_until_archived
from .evidence import check_those_that_ran
from .report import Report
from .rounds import as_figures, as_table, in_turn

#: The backlog that the others are compared with.
REFERENCE = 10_000
MEASURED = "from the first claimed_at to the finished_at of the last of the first jobs to end"


def run(options: Namespace) -> Report:
    """Measure each backlog in turn; NotExactlyOnce if a job was lost or ran twice."""
    subjects: dict[str, Callable[[], float]] = {
        f"{size:,}": partial(_jobs_per_second, size, timed=min(size, options.jobs))
        for size in sorted(options.sizes)
    }
    reference = f"{REFERENCE:,}" if REFERENCE in options.sizes else next(iter(subjects))
    rates = in_turn(subjects, runs=options.runs)
    return Report(
        title=(
            f"backlog: jobs/s of one worker by how many wait, {options.database}, "
            f"the first {options.jobs:,} jobs of each, {MEASURED}"
        ),
        figures={
            "benchmark": "backlog",
            "database": options.database,
            "jobs": options.jobs,
            "reference": reference,
            "rates": as_figures(rates, reference=reference),
            "measured": MEASURED,
        },
        settings={},
        table=as_table(rates, reference=reference),
    )


def _jobs_per_second(size: int, *, timed: int) -> float:
    fill(size)
    with calls_kept() as (environment, calls):
        with started((*WORKER, "--processes", "0"), environment=environment) as worker:
            with claims_held_back():
                wait_for_workers(worker, 1)
            wait_until_archived(timed, worker)
        check_those_that_ran(size, calls=calls())
    return timed / _seconds_of_the_first(timed)


def _seconds_of_the_first(jobs: int) -> float:
    times = ArchivedJob.objects.order_by("finished_at").values_list("claimed_at", "finished_at")
    first = list(times[:jobs])
    began = min(claimed_at for claimed_at, _ in first if claimed_at is not None)
    return (first[-1][1] - began).total_seconds()
