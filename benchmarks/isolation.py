"""How soon the jobs of one queue are done beside a full queue of slow ones."""

from argparse import Namespace
from collections.abc import Sequence
from statistics import median

from django.db.models import Max, Min

from django_jobqueue import Queue
from django_jobqueue.models import ArchivedJob, Job

from .children import WORKER, Children, started
from .databases import empty_tables, settle
from .draining import LOOK_SECONDS, claims_held_back, wait_for_workers
from .errors import BenchmarkFailed
from .jobs import rest
from .report import Report, progress

SLOW_SECONDS, QUICK_SECONDS = 0.5, 0.01
#: Threads of the one worker: more than the slow queue may have.
CONCURRENCY, SLOW_LIMIT = 120, 100
MOST_LOOKS = 60 / LOOK_SECONDS


def run(options: Namespace) -> Report:
    """Measure; BenchmarkFailed if the quick ones are not done within a minute."""
    found: list[tuple[float, int]] = []
    for number in range(1, options.runs + 1):
        found.append(_once(options))
        seconds, left = found[-1]
        progress(f"run {number} of {options.runs}: {seconds:.2f} s, {left:,} slow ones left")
    return _report(options, found)


def _once(options: Namespace) -> tuple[float, int]:
    empty_tables()
    Queue("slow").configure(concurrency=SLOW_LIMIT)
    rest.using(queue="slow").enqueue_many([{"seconds": SLOW_SECONDS}] * options.slow)
    rest.using(queue="quick").enqueue_many([{"seconds": QUICK_SECONDS}] * options.quick)
    settle()
    with started((*WORKER, "--concurrency", str(CONCURRENCY))) as children:
        with claims_held_back():
            wait_for_workers(children, 1)
        return _quick_ones_done(children, options.quick), Job.objects.filter(queue="slow").count()


def _quick_ones_done(children: Children, count: int) -> float:
    """Wait for them; return the seconds from the first claim of any job to the last of their
    ends.
    """
    quick = ArchivedJob.objects.filter(queue="quick", state="succeeded")
    looks = 0
    while quick.count() < count:
        looks += 1
        if looks > MOST_LOOKS:
            raise BenchmarkFailed(f"{quick.count():,} of {count:,} quick jobs were done in time")
        children.pause(LOOK_SECONDS)
    first = min(
        rows.aggregate(first=Min("claimed_at"))["first"]
        for rows in (ArchivedJob.objects.all(), Job.objects.filter(state="running"))
        if rows.exists()
    )
    last = quick.aggregate(last=Max("finished_at"))["last"]
    return float((last - first).total_seconds())


def _report(options: Namespace, found: Sequence[tuple[float, int]]) -> Report:
    runs = [{"seconds": round(seconds, 2), "slow_left": left} for seconds, left in found]
    middle = {
        "seconds": round(median(seconds for seconds, _ in found), 2),
        "slow_left": int(median(left for _, left in found)),
    }
    about = {name: getattr(options, name) for name in ("database", "slow", "quick")}
    return Report(
        title=(
            f"isolation: {options.quick:,} jobs of {1000 * QUICK_SECONDS:.0f} ms beside "
            f"{options.slow:,} of {1000 * SLOW_SECONDS:.0f} ms in a queue of which {SLOW_LIMIT} "
            f"may run at once, one worker, {options.database}: seconds until the quick ones were "
            "done, and how many slow ones were not"
        ),
        figures={"benchmark": "isolation", **about, **middle, "runs": runs},
        settings={"concurrency": CONCURRENCY},
        table=[
            ("run", "seconds", "slow left"),
            *((number, *one.values()) for number, one in enumerate(runs, start=1)),
            ("median", *middle.values()),
        ],
    )
