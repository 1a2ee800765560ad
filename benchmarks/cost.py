"""What one job costs the database server and the worker: processor time, log and disk."""

import resource
from argparse import Namespace
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

from django.db import connection

from .children import WORKER_UNTIL_EMPTY, started
from .databases import empty_tables, server_pid
from .draining import DRAIN_SECONDS, calls_kept, fill
from .evidence import check_exactly_once
from .jobs import noop
from .processes import processor_seconds_of_family
from .report import Report, progress, rows_of

ONE_BY_ONE, IN_BULK, RUN = "enqueue, one by one", "enqueue, in bulk", "run"


class Cost(NamedTuple):
    """Of one job: processor microseconds of the server and of the worker, and bytes of WAL."""

    server_microseconds: float
    worker_microseconds: float
    wal_bytes: float


def run(options: Namespace) -> Report:
    """Measure; NotExactlyOnce if a job was lost or repeated."""
    found: dict[str, list[Cost]] = {ONE_BY_ONE: [], IN_BULK: [], RUN: []}
    for number in range(1, options.runs + 1):
        empty_tables()
        found[ONE_BY_ONE].append(_cost(lambda: _each(options.count), jobs=options.count))
        empty_tables()
        found[IN_BULK].append(_cost(lambda: _many(options.jobs), jobs=options.jobs))
        found[RUN].append(_cost_of_running(options.jobs))
        told = f"{found[RUN][-1].server_microseconds:.0f} µs of the server to run one"
        progress(f"run {number} of {options.runs}: {told}")
    middle = {
        name: {part: round(median(values), 1) for part, values in _by_part(costs).items()}
        for name, costs in found.items()
    }
    return Report(
        title="cost: of one job, without what the server and the worker need to come up",
        figures={
            "benchmark": "cost",
            "database": options.database,
            "jobs": options.jobs,
            "costs": middle,
            "archived_bytes": _archived_bytes(),
        },
        settings={"one_by_one": options.count},
        table=[("", "server µs", "worker µs", "WAL bytes"), *rows_of(middle)],
    )


def _by_part(costs: list[Cost]) -> dict[str, tuple[float, ...]]:
    return dict(zip(Cost._fields, zip(*costs, strict=True), strict=True))


def _each(count: int) -> None:
    for number in range(count):
        noop.enqueue(number=number)


def _many(count: int) -> None:
    noop.enqueue_many({"number": number} for number in range(count))


def _cost_of_running(jobs: int) -> Cost:
    """Less what a worker costs that finds one job."""
    first, all_of_them = _cost_of_draining(1), _cost_of_draining(jobs)
    more = max(1, jobs - 1)
    return Cost(*(max(0.0, a - b) / more for a, b in zip(all_of_them, first, strict=True)))


def _cost_of_draining(jobs: int) -> Cost:
    """Of all of them together; what the check of the archive costs is left out."""
    fill(jobs)
    with calls_kept() as (environment, calls):
        cost = _cost(lambda: _run_until_empty(environment), jobs=1)
        check_exactly_once(jobs, calls=calls())
    return cost


def _run_until_empty(environment: Mapping[str, str]) -> None:
    with started(WORKER_UNTIL_EMPTY, environment=environment) as worker:
        worker.wait(DRAIN_SECONDS)


def _cost(work: Callable[[], object], *, jobs: int) -> Cost:
    server = server_pid()
    before = (processor_seconds_of_family(server), _worker_seconds(), _wal_position())
    work()
    after = (processor_seconds_of_family(server), _worker_seconds(), _wal_position())
    server_seconds, worker_seconds, wal = (b - a for a, b in zip(before, after, strict=True))
    return Cost(1e6 * server_seconds / jobs, 1e6 * worker_seconds / jobs, wal / jobs)


def _worker_seconds() -> float:
    """Of this process, which enqueues, and of those that it started and has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _wal_position() -> int:
    return _number("SELECT pg_current_wal_insert_lsn() - pg_lsn '0/0'")


def _archived_bytes() -> float:
    """What one archived job takes on disk, its indexes included."""
    archived = _number("SELECT count(*) FROM jobqueue_archivedjob")
    whole = _number("SELECT pg_total_relation_size('jobqueue_archivedjob')")
    return round(whole / max(1, archived), 1)


def _number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
