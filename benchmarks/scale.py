"""How fast a backlog is worked off by more than one worker, beside as many of the limit."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

from .children import LIMIT, WORKER_UNTIL_EMPTY
from .draining import MEASURED, fill, work_off
from .report import Report
from .rounds import Rates, in_turn, ratio

COMMANDS: Mapping[str, Sequence[str]] = {"limit": LIMIT, "worker": WORKER_UNTIL_EMPTY}


def run(options: Namespace) -> Report:
    """Measure limit and workers in turn; NotExactlyOnce if one of them lost or repeated a job."""
    subjects: dict[str, Callable[[], float]] = {
        f"{name} {processes}": partial(
            _jobs_per_second, command, jobs=options.jobs, processes=processes
        )
        for processes in options.processes
        for name, command in COMMANDS.items()
    }
    rates = in_turn(subjects, runs=options.runs)
    found = [
        _figures(rates, processes, first=options.processes[0]) for processes in options.processes
    ]
    return Report(
        title=(
            f"scale: {options.jobs:,} no-op jobs by the number of claiming processes, "
            f"{options.database}, measured {MEASURED}"
        ),
        figures={
            "benchmark": "scale",
            "database": options.database,
            "jobs": options.jobs,
            "processes": found,
            "measured": MEASURED,
        },
        settings={},
        table=[
            ("processes", "limit jobs/s", "worker jobs/s", "of the limit", "of one"),
            *(tuple(one.values()) for one in found),
        ],
    )


def _jobs_per_second(command: Sequence[str], *, jobs: int, processes: int) -> float:
    fill(jobs)
    return jobs / work_off(command, jobs=jobs, processes=processes)


def _figures(rates: Rates, processes: int, *, first: int) -> dict[str, float]:
    limit, worker = f"limit {processes}", f"worker {processes}"
    return {
        "processes": processes,
        "limit_jobs_per_second": round(median(rates[limit])),
        "jobs_per_second": round(median(rates[worker])),
        "ratio": round(ratio(rates, worker, to=limit), 3),
        "times_the_first": round(ratio(rates, worker, to=f"worker {first}"), 3),
    }
