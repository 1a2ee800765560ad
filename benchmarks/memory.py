"""How fast a backlog of no-op jobs in memory is worked off: no database takes part."""

from argparse import Namespace
from statistics import median

from django_jobqueue import MemoryQueue
from django_jobqueue.core.clock import monotonic

from .evidence import NotExactlyOnce
from .report import Report, progress

MEASURED = "from the start of the workers to the end of the shutdown that runs what waits"


def run(options: Namespace) -> Report:
    """Drain a backlog again and again; NotExactlyOnce if a job was lost or repeated."""
    runs = [_seconds(options.jobs, workers=options.workers) for _ in range(options.runs)]
    for number, seconds in enumerate(runs, start=1):
        progress(f"run {number} of {options.runs}: {seconds:.3f} s")
    middle = median(runs)
    figures = {"seconds": round(middle, 4), "jobs_per_second": round(options.jobs / middle)}
    about = {"jobs": options.jobs, "workers": options.workers}
    return Report(
        title=f"memory: {options.jobs:,} no-op jobs, {options.workers} workers, {MEASURED}",
        figures={"benchmark": "memory", **about, **figures, "runs": runs, "measured": MEASURED},
        settings=about,
        table=[
            ("run", "seconds", "jobs/s"),
            *((number, took, round(options.jobs / took)) for number, took in enumerate(runs, 1)),
            ("median", *figures.values()),
        ],
    )


def _seconds(jobs: int, *, workers: int) -> float:
    ran: list[int] = []
    queue = MemoryQueue(workers)
    queue.register("noop", lambda job: ran.append(job.id))
    for number in range(jobs):
        queue.push("noop", number)
    began = monotonic()
    queue.start()
    queue.shutdown(None)
    took = monotonic() - began
    if sorted(ran) != list(range(1, jobs + 1)):
        raise NotExactlyOnce(f"{jobs:,} jobs were pushed, {len(ran):,} ran")
    return took
