"""What a snapshot that somebody holds open costs: what ends meanwhile leaves dead rows that no
vacuum may remove.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

from django_jobqueue.models import ArchivedJob

from .children import WORKER_UNTIL_EMPTY
from .databases import bare_postgresql
from .draining import MEASURED, fill, work_off
from .report import Report
from .rounds import Rates, as_figures, as_table, in_turn

NONE, HELD = "none", "held open"
#: The part of the jobs for which the rate at the end is told.
LAST_PART = 0.1


def run(options: Namespace) -> Report:
    """Measure without and with a snapshot in turn; NotExactlyOnce if a job was lost or repeated."""
    ends: dict[str, list[float]] = {NONE: [], HELD: []}
    subjects: dict[str, Callable[[], float]] = {
        name: partial(_jobs_per_second, options.jobs, is_held=name == HELD, ends=found)
        for name, found in ends.items()
    }
    return _report(options, rates=in_turn(subjects, runs=options.runs), ends=ends)


def _jobs_per_second(jobs: int, *, is_held: bool, ends: list[float]) -> float:
    fill(jobs)
    with snapshot_held() if is_held else nullcontext():
        seconds = work_off(WORKER_UNTIL_EMPTY, jobs=jobs)
    ends.append(_jobs_per_second_at_the_end(jobs))
    return jobs / seconds


def _report(options: Namespace, *, rates: Rates, ends: Rates) -> Report:
    last = [(f"{name}, last tenth", *row) for name, *row in as_table(ends, reference=NONE)[1:]]
    return Report(
        title=(
            f"bloat: {options.jobs:,} no-op jobs beside a snapshot that is older than their ends, "
            f"one worker, measured {MEASURED}"
        ),
        figures={
            "benchmark": "bloat",
            "database": options.database,
            "jobs": options.jobs,
            "reference": NONE,
            "rates": as_figures(rates, reference=NONE),
            "last_tenth": as_figures(ends, reference=NONE),
            "measured": MEASURED,
        },
        settings={},
        table=[*as_table(rates, reference=NONE), *last],
    )


@contextmanager
def snapshot_held() -> Iterator[None]:
    """Keep a transaction open, as a report or a dump does."""
    with bare_postgresql() as holder:
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT count(*) FROM jobqueue_job")
        yield
        holder.execute("COMMIT")


def _jobs_per_second_at_the_end(jobs: int) -> float:
    last = max(1, round(LAST_PART * jobs))
    times = ArchivedJob.objects.order_by("-finished_at").values_list("finished_at", flat=True)
    seconds = (times[0] - times[min(last, jobs - 1)]).total_seconds()
    return last / max(seconds, 0.001)
