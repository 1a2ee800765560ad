"""What enqueueing costs beside the bare statements of the database driver, on the same table."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from statistics import median
from typing import Any, Protocol

from django.db import connection
from django.test import override_settings

from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import Job

from .databases import bare_postgresql, bare_sqlite, empty_tables
from .evidence import NotExactlyOnce
from .jobs import noop
from .report import Report, progress

COLUMNS = "handler, queue, payload, fingerprint"
Row = tuple[str, str, str, str]
#: How many jobs, and the two ways to store them.
Way = tuple[int, Callable[[], object], Callable[[], object]]


class Bare(Protocol):
    """The driver alone, each call committed when it returns."""

    def insert(self, row: Row) -> None: ...
    def insert_many(self, rows: Iterable[Row]) -> None: ...


class BarePostgreSQL:
    def __init__(self) -> None:
        self._connection = bare_postgresql()

    def insert(self, row: Row) -> None:
        statement = f"INSERT INTO jobqueue_job ({COLUMNS}) VALUES (%s, %s, %s, %s) RETURNING id"
        self._connection.execute(statement.encode(), row).fetchone()

    def insert_many(self, rows: Iterable[Row]) -> None:
        statement = f"COPY jobqueue_job ({COLUMNS}) FROM STDIN"
        with self._connection.cursor().copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)


class BareSQLite:
    def __init__(self) -> None:
        self._connection = bare_sqlite()
        self._statement = f"INSERT INTO jobqueue_job ({COLUMNS}) VALUES (?, ?, ?, ?)"

    def insert(self, row: Row) -> None:
        self._connection.execute(self._statement, row)

    def insert_many(self, rows: Iterable[Row]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(self._statement, rows)
        self._connection.execute("COMMIT")


def run(options: Namespace) -> Report:
    """Measure both ways in turn; NotExactlyOnce if the table does not hold what was enqueued."""
    bare: Bare = BareSQLite() if connection.vendor == "sqlite" else BarePostgreSQL()
    one, many = options.count, options.bulk
    ways: dict[str, Way] = {
        "one at a time": (
            one,
            lambda: _each(bare.insert, _rows(one)),
            lambda: _each(noop.enqueue, range(one)),
        ),
        "in bulk": (
            many,
            lambda: bare.insert_many(_rows(many)),
            lambda: noop.enqueue_many({"number": n} for n in range(many)),
        ),
    }
    if connection.vendor == "postgresql":
        ways["beside no wake-ups"] = (
            one,
            lambda: _without_wake_ups(one),
            lambda: _each(noop.enqueue, range(one)),
        )
    return _report(options, _rates(ways, runs=options.runs))


def _rates(ways: Mapping[str, Way], *, runs: int) -> dict[str, list[tuple[float, float]]]:
    rates: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for number in range(1, runs + 1):
        for way, (jobs, limit, ours) in ways.items():
            pair = _jobs_per_second(limit, jobs=jobs), _jobs_per_second(ours, jobs=jobs)
            rates[way].append(pair)
            progress(
                f"run {number} of {runs}, {way}: bare {pair[0]:,.0f}, enqueue {pair[1]:,.0f} jobs/s"
            )
    return rates


def _each(call: Callable[[Any], object], values: Iterable[object]) -> None:
    for value in values:
        call(value)


def _without_wake_ups(count: int) -> None:
    # In a queue of its own, which is woken ten times in the first hour,
    # and not again by this process.
    with override_settings(JOBQUEUE={"NOTIFY_DEBOUNCE": timedelta(hours=1)}):
        _each(noop.using(queue="quiet").enqueue, range(count))


def _rows(count: int) -> Iterable[Row]:
    name = noop.handler.name
    for number in range(count):
        yield name, "default", f'{{"args": [], "kwargs": {{"number": {number}}}}}', f"{number:032x}"


def _jobs_per_second(work: Callable[[], object], *, jobs: int) -> float:
    empty_tables()
    began = monotonic()
    work()
    took = monotonic() - began
    if (stored := Job.objects.filter(state="ready").count()) != jobs:
        raise NotExactlyOnce(f"{stored:,} jobs were stored instead of {jobs:,}")
    return jobs / took


def _report(options: Namespace, rates: dict[str, list[tuple[float, float]]]) -> Report:
    figures: dict[str, object] = {"benchmark": "enqueue", "database": options.database}
    table: list[Sequence[str | float]] = [("", "bare jobs/s", "enqueue jobs/s", "ratio")]
    for way, pairs in rates.items():
        limit, ours = median(bare for bare, _ in pairs), median(mine for _, mine in pairs)
        ratio = median(mine / bare for bare, mine in pairs)
        figures[way.replace(" ", "_")] = {
            "jobs_per_second": round(ours),
            "limit_jobs_per_second": round(limit),
            "ratio": round(ratio, 3),
            "runs": [(round(bare), round(mine)) for bare, mine in pairs],
        }
        table.append((way, round(limit), round(ours), ratio))
    return Report(
        title=f"enqueue: jobs stored per second, beside the bare driver, {options.database}",
        figures=figures,
        settings={"one_at_a_time": options.count, "in_bulk": options.bulk},
        table=table,
    )
