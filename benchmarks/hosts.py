"""How fast two hosts work on one backlog over a network, beside one host with as many workers."""

import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial

from django_jobqueue.models import ArchivedJob, WorkerRecord
from tests.networks import Host, joined_hosts

from .children import WORKER_UNTIL_EMPTY, Children, started
from .draining import (
    DRAIN_SECONDS,
    LOOK_SECONDS,
    MEASURED,
    calls_kept,
    claims_held_back,
    fill,
    seconds_taken,
)
from .errors import BenchmarkFailed
from .evidence import check_exactly_once
from .report import Report
from .rounds import Rates, as_figures, as_table, in_turn

NAMES = ("alpha", "beta")
BESIDE, ONE, TWO = "beside the server", "one host", "two hosts"
#: The host of each worker; None is the server's own, which needs no network.
Places = Sequence[Host | None]


def run(options: Namespace) -> Report:
    """Measure in turn; NotExactlyOnce if a job was lost or repeated, BenchmarkFailed if a host took
    no part.
    """
    with joined_hosts(*NAMES) as (first, second):
        subjects: dict[str, Callable[[], float]] = {
            BESIDE: partial(_jobs_per_second, [None, None], jobs=options.jobs),
            ONE: partial(_jobs_per_second, [first, first], jobs=options.jobs),
            TWO: partial(_jobs_per_second, [first, second], jobs=options.jobs),
        }
        return _report(options, rates=in_turn(subjects, runs=options.runs))


def _jobs_per_second(places: Places, *, jobs: int) -> float:
    fill(jobs)
    with calls_kept() as (environment, calls):
        with ExitStack() as stack:
            workers = [stack.enter_context(_worker(one, environment=environment)) for one in places]
            with claims_held_back():
                _wait_for(workers)
            for worker in workers:
                worker.wait(DRAIN_SECONDS)
        check_exactly_once(jobs, calls=calls())
    check_parts({host.name for host in places if host})
    return jobs / seconds_taken()


@contextmanager
def _worker(place: Host | None, *, environment: Mapping[str, str]) -> Iterator[Children]:
    url = os.environ["DATABASE_URL"]
    told = {**environment, "DATABASE_URL": place.url(url) if place else url}
    with ExitStack() as stack:
        with place.inside() if place else nullcontext():
            worker = stack.enter_context(started(WORKER_UNTIL_EMPTY, environment=told))
        yield worker


def _wait_for(workers: Sequence[Children]) -> None:
    """Return once all have registered."""
    while WorkerRecord.objects.count() < len(workers):
        for worker in workers:
            worker.pause(LOOK_SECONDS)


def check_parts(hosts: Set[str]) -> None:
    """Raise BenchmarkFailed unless each of these hosts has run a part of the archived jobs."""
    found = jobs_by_host()
    if idle := sorted(host for host in hosts if not found.get(host)):
        raise BenchmarkFailed(f"no job was run by {', '.join(idle)}; jobs by host: {found}")


def jobs_by_host() -> dict[str, int]:
    """Return how many of the archived jobs each host has run that has a worker's row."""
    found: dict[str, int] = {}
    for worker_id, host in WorkerRecord.objects.values_list("pk", "host"):
        count = ArchivedJob.objects.filter(worker_id=worker_id).count()
        found[host] = found.get(host, 0) + count
    return found


def _report(options: Namespace, *, rates: Rates) -> Report:
    return Report(
        title=(
            f"hosts: {options.jobs:,} no-op jobs, two workers by where they run, "
            f"{options.database}, measured {MEASURED}"
        ),
        figures={
            "benchmark": "hosts",
            "database": options.database,
            "jobs": options.jobs,
            "rates": as_figures(rates, reference=ONE),
            "jobs_by_host": jobs_by_host(),  # of the last round, which was the two hosts'
            "measured": MEASURED,
        },
        settings={"workers": len(NAMES)},
        table=as_table(rates, reference=ONE),
    )
