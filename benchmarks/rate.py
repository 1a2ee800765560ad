"""How many jobs start within a minute under a rate that several workers share."""

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime, timedelta

from django_jobqueue import Queue
from django_jobqueue.models import ArchivedJob

from .children import WORKER, started
from .errors import BenchmarkFailed
from .jobs import noop
from .report import Report, progress

#: The queue that has the rate: no handler declares a limit, for the claims of every benchmark
#: would have to heed it.
QUEUE = "rated"
RATE_PER_MINUTE = 100
MINUTE = timedelta(minutes=1)
LOOK_SECONDS = 1.0
#: No worker needs longer to come up.
START_SECONDS = 60


def run(options: Namespace) -> Report:
    """Let workers run a standing backlog for so many minutes after the first start."""
    jobs = (options.minutes + 1) * RATE_PER_MINUTE
    Queue(QUEUE).configure(rate=f"{RATE_PER_MINUTE}/m")
    noop.using(queue=QUEUE).enqueue_many({"number": number} for number in range(jobs))
    with started(WORKER, count=options.processes) as workers:
        for _ in range(START_SECONDS):
            if ArchivedJob.objects.exists():
                break
            workers.pause(LOOK_SECONDS)
        else:
            raise BenchmarkFailed("no worker came up")
        for minute in range(1, options.minutes + 1):
            workers.pause(MINUTE.total_seconds())
            progress(f"minute {minute}: {ArchivedJob.objects.count()} have run")
    times = ArchivedJob.objects.values_list("claimed_at", flat=True)
    return _report(options, starts=sorted(time for time in times if time is not None))


def within_a_minute(starts: Sequence[datetime]) -> list[int]:
    """Return how many starts each whole minute sees that begins with one of them."""
    return [
        sum(first <= start < first + MINUTE for start in starts)
        for first in starts
        if first + MINUTE <= starts[-1]
    ]


def _report(options: Namespace, *, starts: Sequence[datetime]) -> Report:
    counts = within_a_minute(starts)
    return Report(
        title=f"rate: starts in any minute under {RATE_PER_MINUTE}/m, {options.database}",
        figures={
            "benchmark": "rate",
            "database": options.database,
            "starts": len(starts),
            "minutes": len(counts),
            "least": min(counts),
            "most": max(counts),
        },
        settings={"processes": options.processes, "rate_per_minute": RATE_PER_MINUTE},
        table=[
            ("starts", "windows", "least", "most"),
            (len(starts), len(counts), min(counts), max(counts)),
        ],
    )
