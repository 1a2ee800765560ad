"""How soon who waits for a job hears of its end, in another process than the one it ran in."""

import random
from argparse import Namespace
from collections.abc import Sequence

from django_jobqueue import JobState
from django_jobqueue.core.clock import monotonic

from .errors import BenchmarkFailed
from .jobs import tell_end
from .latency import PATIENCE, Starts, idle_worker
from .report import Report, in_percentiles, table_of

#: Seconds that a job takes: some are over before anybody listens, most are not.
TAKES = (0.0, 0.3)
MEASURED = "end of the handler to the return of wait() in another process"


def run(options: Namespace) -> Report:
    """Enqueue jobs one by one and wait for each; NotExactlyOnce if one ran twice."""
    with idle_worker() as (ends, _):
        milliseconds = [_wait_for_job(number, ends) for number in range(options.count)]
    return _report(options, milliseconds)


def _wait_for_job(number: int, ends: Starts) -> float:
    """Return how many milliseconds after its end the wait for it was over."""
    handle = tell_end.enqueue(number=number, seconds=random.uniform(*TAKES))
    try:
        record = handle.wait(PATIENCE)
    except TimeoutError as error:
        raise BenchmarkFailed(str(error)) from error
    over = monotonic()
    if record.state is not JobState.SUCCEEDED:
        raise BenchmarkFailed(f"job {record.id} is {record.state}: {record.error}")
    ends.listen(PATIENCE, until_there_are=number + 1)
    return 1000 * (over - ends.began[number])


def _report(options: Namespace, milliseconds: Sequence[float]) -> Report:
    found = in_percentiles(milliseconds)
    return Report(
        title=f"wait: {MEASURED}, {len(milliseconds):,} jobs one by one, {options.database}",
        figures={
            "benchmark": "wait",
            "database": options.database,
            "count": len(milliseconds),
            **found,
            "milliseconds": [round(one, 3) for one in milliseconds],
            "measured": MEASURED,
        },
        settings={"job_seconds": TAKES},
        table=table_of(found),
    )
