"""What it costs that somebody looks on: receivers of signals, and metrics."""

from argparse import Namespace
from collections.abc import Callable
from functools import partial

from .apps import OBSERVED
from .children import WORKER_UNTIL_EMPTY
from .draining import MEASURED, fill, work_off
from .report import Report
from .rounds import as_figures, as_table, in_turn

NOBODY = "nobody"
#: Who looks on, and what is connected for it.
OBSERVERS = {
    NOBODY: "",
    "signals": "signals",
    "metrics": "metrics",
    "metrics and signals": "metrics, signals",
}


def run(options: Namespace) -> Report:
    """Measure in turn; NotExactlyOnce if a job was lost or repeated."""
    subjects: dict[str, Callable[[], float]] = {
        name: partial(_jobs_per_second, options.jobs, connected=connected)
        for name, connected in OBSERVERS.items()
    }
    rates = in_turn(subjects, runs=options.runs)
    return Report(
        title=(
            f"observed: {options.jobs:,} no-op jobs by who looks on, {options.database}, "
            f"measured {MEASURED}"
        ),
        figures={
            "benchmark": "observed",
            "database": options.database,
            "jobs": options.jobs,
            "rates": as_figures(rates, reference=NOBODY),
            "measured": MEASURED,
        },
        settings={"signals": "started, succeeded, failed, dead"},
        table=as_table(rates, reference=NOBODY),
    )


def _jobs_per_second(jobs: int, *, connected: str) -> float:
    fill(jobs)
    return jobs / work_off(WORKER_UNTIL_EMPTY, jobs=jobs, environment={OBSERVED: connected})
