"""How much of a limit across workers is used while more jobs wait than may run."""

from argparse import Namespace
from collections.abc import Sequence
from statistics import median

from django_jobqueue import Queue, conf
from django_jobqueue.core.limits import Limit, LimitKind, LimitName
from django_jobqueue.models import ArchivedJob
from django_jobqueue.store import store_for

from .children import WORKER_UNTIL_EMPTY, started
from .databases import empty_tables, settle
from .drain import DRAIN_SECONDS, claims_held_back, seconds_taken, wait_for_workers
from .errors import BenchmarkFailed
from .jobs import NAP_SECONDS, nap
from .report import Report, progress

MEASURED = (
    "from the first claimed_at to the last finished_at in the archive, against the time that the "
    "jobs take if as many as may run always do"
)


def run(options: Namespace) -> Report:
    """Measure; BenchmarkFailed if not every job has succeeded."""
    shares: list[float] = []
    for number in range(1, options.runs + 1):
        shares.append(_share(options))
        progress(f"run {number} of {options.runs}: {100 * shares[-1]:.1f} % of the limit is used")
    return _report(options, shares)


def _share(options: Namespace) -> float:
    empty_tables()
    _limit_and_enqueue(options)
    settle()
    with started(WORKER_UNTIL_EMPTY, count=options.processes) as children:
        with claims_held_back():
            wait_for_workers(children, options.processes)
        children.wait(DRAIN_SECONDS)
    if (done := ArchivedJob.objects.filter(state="succeeded").count()) != options.jobs:
        raise BenchmarkFailed(f"{done:,} of {options.jobs:,} jobs have succeeded")
    ideal = options.jobs * NAP_SECONDS / options.limit
    return ideal / seconds_taken()


def _limit_and_enqueue(options: Namespace) -> None:
    limit = Limit(max_running=options.limit)
    if options.of == "queue":
        Queue("default").configure(max_running=options.limit)
    if options.of == "handler":
        store_for("default").set_limit(LimitName(LimitKind.HANDLER, nap.handler.name), limit)
    one = nap.using(concurrency_key="all", key_limit=options.limit) if options.of == "key" else nap
    one.enqueue_many([{"number": number} for number in range(options.jobs)])


def _report(options: Namespace, shares: Sequence[float]) -> Report:
    about = {
        name: getattr(options, name) for name in ("database", "jobs", "processes", "limit", "of")
    }
    runs = [_figures(options, share) for share in shares]
    middle = _figures(options, median(shares))
    return Report(
        title=(
            f"limits: {options.jobs:,} jobs of {1000 * NAP_SECONDS:.0f} ms, {options.limit} of one "
            f"{options.of} at once, {options.database}, workers: {options.processes}, measured "
            f"{MEASURED}"
        ),
        figures={"benchmark": "limits", **about, **middle, "runs": runs, "measured": MEASURED},
        settings={"concurrency": conf.current().concurrency, "nap_seconds": NAP_SECONDS},
        table=[
            ("run", "jobs/s", "share"),
            *((number, *one.values()) for number, one in enumerate(runs, start=1)),
            ("median", *middle.values()),
        ],
    )


def _figures(options: Namespace, share: float) -> dict[str, float]:
    return {
        "jobs_per_second": round(share * options.limit / NAP_SECONDS, 1),
        "share": round(share, 3),
    }
