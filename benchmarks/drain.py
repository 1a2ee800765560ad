"""How fast a backlog of no-op jobs is worked off, and how far that is from the limit."""

from argparse import Namespace
from collections.abc import Callable
from statistics import median

from django.db import connection

from django_jobqueue import conf

from .children import LIMIT, WORKER_UNTIL_EMPTY
from .draining import MEASURED, fill, work_off
from .jobs import async_noop, noop
from .limit import BATCH, THREADS
from .report import Report
from .rounds import Rates, as_table, in_turn, ratio


def run(options: Namespace) -> Report:
    """Measure limit and worker in turn; NotExactlyOnce if one of them lost or repeated a job."""
    subjects: dict[str, Callable[[], float]] = {
        "limit": lambda: _jobs_per_second(options, LIMIT),
        "worker": lambda: _jobs_per_second(options, WORKER_UNTIL_EMPTY),
        "async handler": lambda: _jobs_per_second(options, WORKER_UNTIL_EMPTY, is_async=True),
    }
    return _report(options, in_turn(subjects, runs=options.runs))


def _jobs_per_second(
    options: Namespace, command: tuple[str, ...], *, is_async: bool = False
) -> float:
    fill(options.jobs, handler=async_noop if is_async else noop)
    return float(options.jobs) / work_off(command, jobs=options.jobs, processes=options.processes)


def _report(options: Namespace, rates: Rates) -> Report:
    runs = [_figures(*each) for each in zip(*rates.values(), strict=True)]
    middle = {
        **_figures(*map(median, rates.values())),
        "ratio": round(ratio(rates, "worker", to="limit"), 3),
        "async_ratio": round(ratio(rates, "async handler", to="worker"), 3),
    }
    about = {name: getattr(options, name) for name in ("database", "jobs", "processes")}
    return Report(
        title=(
            f"drain: {options.jobs:,} no-op jobs with one integer argument, {connection.vendor}, "
            f"workers: {options.processes}, measured {MEASURED}"
        ),
        figures={"benchmark": "drain", **about, **middle, "runs": runs, "measured": MEASURED},
        settings={
            "concurrency": conf.current().concurrency,
            "async_concurrency": conf.current().async_concurrency,
            "limit_batch": BATCH,
            "limit_threads": THREADS,
        },
        table=as_table(rates, reference="limit"),
    )


def _figures(limit: float, ours: float, asynchronous: float) -> dict[str, float]:
    return {
        "limit_jobs_per_second": round(limit),
        "jobs_per_second": round(ours),
        "async_jobs_per_second": round(asynchronous),
        "ratio": round(ours / limit, 3),
        "async_ratio": round(asynchronous / ours, 3),
    }
