"""How much of a limit across workers is used while more jobs wait than may run."""

from argparse import Namespace
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from django.db.models import F

from django_jobqueue import Queue, conf
from django_jobqueue.core.limits import Limit, LimitKind, LimitName
from django_jobqueue.models import ArchivedJob
from django_jobqueue.store import store_for

from .children import WORKER_UNTIL_EMPTY, started
from .databases import empty_tables, settle
from .draining import DRAIN_SECONDS, claims_held_back, seconds_taken, wait_for_workers
from .errors import BenchmarkFailed
from .jobs import rest
from .report import Report, progress

#: How long each job takes, and no processor.
REST_SECONDS = 0.05
MEASURED = (
    "from the first claimed_at to the last finished_at in the archive; the share is of what the "
    "limit and the time of a job allow, and held says how much of the time the permits were held"
)


class Used(NamedTuple):
    """Of a limit: of the jobs that it allows, and of the time."""

    share: float
    held: float


def run(options: Namespace) -> Report:
    """Measure; BenchmarkFailed if not every job has succeeded."""
    found: list[Used] = []
    for number in range(1, options.runs + 1):
        found.append(_used(options))
        progress(f"run {number} of {options.runs}: {100 * found[-1].share:.1f} % of the limit")
    return _report(options, found)


def _used(options: Namespace) -> Used:
    empty_tables()
    _limit_and_enqueue(options)
    settle()
    with started(WORKER_UNTIL_EMPTY, count=options.processes) as children:
        with claims_held_back():
            wait_for_workers(children, options.processes)
        children.wait(DRAIN_SECONDS)
    if (done := ArchivedJob.objects.filter(state="succeeded").count()) != options.jobs:
        raise BenchmarkFailed(f"{done:,} of {options.jobs:,} jobs have succeeded")
    permit_seconds = options.limit * seconds_taken()
    held = ArchivedJob.objects.annotate(held=F("finished_at") - F("claimed_at"))
    seconds = sum(one.total_seconds() for one in held.values_list("held", flat=True))
    return Used(options.jobs * REST_SECONDS / permit_seconds, seconds / permit_seconds)


def _limit_and_enqueue(options: Namespace) -> None:
    limit = Limit(max_running=options.limit)
    if options.of == "queue":
        Queue("default").configure(max_running=options.limit)
    if options.of == "handler":
        store_for("default").set_limit(LimitName(LimitKind.HANDLER, rest.handler.name), limit)
    one = (
        rest.using(concurrency_key="all", key_limit=options.limit) if options.of == "key" else rest
    )
    one.enqueue_many([{"seconds": REST_SECONDS}] * options.jobs)


def _report(options: Namespace, found: Sequence[Used]) -> Report:
    about = {
        name: getattr(options, name) for name in ("database", "jobs", "processes", "limit", "of")
    }
    runs = [_figures(options, one) for one in found]
    middle = _figures(options, Used(*map(median, zip(*found, strict=True))))
    return Report(
        title=(
            f"limits: {options.jobs:,} jobs of {1000 * REST_SECONDS:.0f} ms, {options.limit} of "
            f"one {options.of} at once, {options.database}, workers: {options.processes}, "
            f"measured {MEASURED}"
        ),
        figures={"benchmark": "limits", **about, **middle, "runs": runs, "measured": MEASURED},
        settings={"concurrency": conf.current().concurrency, "rest_seconds": REST_SECONDS},
        table=[
            ("run", "jobs/s", "share", "held"),
            *((number, *one.values()) for number, one in enumerate(runs, start=1)),
            ("median", *middle.values()),
        ],
    )


def _figures(options: Namespace, used: Used) -> dict[str, float]:
    return {
        "jobs_per_second": round(used.share * options.limit / REST_SECONDS, 1),
        "share": round(used.share, 3),
        "held": round(used.held, 3),
    }
