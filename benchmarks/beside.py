"""How soon an idle worker starts a job beside very many others: due at one moment, in the archive,
or ended under a transaction that keeps their dead rows.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from django.db import connection

from django_jobqueue.core.clock import monotonic
from django_jobqueue.models import ArchivedJob, Job

from .children import Children
from .databases import bare_postgresql, settle
from .errors import BenchmarkFailed
from .jobs import noop
from .latency import PATIENCE, idle_worker, starts_of
from .report import Cell, Report, percentile, progress

#: The queue of the others.
QUEUE = "crowd"
#: The jobs a second that the slowest machine surely ends.
SLOWEST = 200
#: A year, so that no retention removes a record meanwhile.
YEAR_SECONDS = 365 * 24 * 3600

INSERT_JOBS = """
    INSERT INTO jobqueue_job (handler, queue, state, run_at, payload, fingerprint)
    SELECT %(handler)s, %(queue)s, %(state)s, now(), '{"args": [], "kwargs": {"number": 1}}',
        lpad(to_hex(n), 32, '0')
    FROM generate_series(1, %(count)s) AS n
"""
#: Copies of one record, each with an id, a fingerprint and a time of its own.
COPY_RECORD = """
    INSERT INTO jobqueue_archivedjob ({columns}) SELECT {values}
    FROM generate_series(1, %(count)s) AS n
    CROSS JOIN (SELECT * FROM jobqueue_archivedjob ORDER BY id LIMIT 1) AS one
"""


def run(options: Namespace) -> Report:
    """Measure before and beside; NotExactlyOnce if a measured job was lost or ran twice."""
    with idle_worker() as (starts, worker):
        alone = starts_of(options.count, starts)
        progress(f"alone: p95 {percentile(alone, 95):.1f} ms")
        with CROWDS[options.what](options.jobs, worker):
            beside = starts_of(options.count, starts)
    return _report(options, alone=alone, beside=beside)


@contextmanager
def _due(count: int, worker: Children) -> Iterator[None]:
    """They become due when the transaction that adds them commits; the worker begins at once."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_JOBS, _crowd(count, state="scheduled"))
    crowd = Job.objects.filter(queue=QUEUE)
    _wait(worker, lambda: crowd.filter(state="scheduled").count() < count, seconds=PATIENCE)
    progress(f"{count:,} jobs are due")
    yield
    progress(f"{crowd.count():,} of them are left")


@contextmanager
def _records(count: int, worker: Children) -> Iterator[None]:
    own = {
        "id": "-n",
        "fingerprint": "lpad(to_hex(n), 32, '0')",
        "finished_at": f"finished_at - n * (interval '{YEAR_SECONDS} s' / %(count)s)",
        "queue": "%(queue)s",
    }
    columns = [str(field.column) for field in ArchivedJob._meta.concrete_fields]
    statement = COPY_RECORD.format(
        columns=", ".join(columns), values=", ".join(own.get(name, name) for name in columns)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"count": count, "queue": QUEUE})
    settle()
    progress(f"{count:,} records are in the archive")
    yield


@contextmanager
def _snapshot(count: int, worker: Children) -> Iterator[None]:
    """What ends after the snapshot was taken leaves dead rows that no vacuum may remove."""
    holder = bare_postgresql()
    holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    holder.execute("SELECT count(*) FROM jobqueue_job")
    with connection.cursor() as cursor:
        cursor.execute(INSERT_JOBS, _crowd(count, state="ready"))
    crowd = Job.objects.filter(queue=QUEUE)
    _wait(worker, lambda: not crowd.exists(), seconds=PATIENCE + count / SLOWEST)
    settle()
    progress(f"{count:,} jobs have ended under an old snapshot")
    yield
    holder.execute("COMMIT")
    holder.close()


def _crowd(count: int, *, state: str) -> dict[str, str | int]:
    return {"handler": noop.handler.name, "queue": QUEUE, "state": state, "count": count}


def _wait(worker: Children, condition: Callable[[], bool], *, seconds: float) -> None:
    until = monotonic() + seconds
    while not condition():
        if monotonic() > until:
            raise BenchmarkFailed(f"the worker did not get to the others within {seconds:.0f} s")
        worker.pause(0.1)


#: What may be beside: a block in which so many are.
CROWDS: dict[str, Callable[[int, Children], AbstractContextManager[None]]] = {
    "due": _due,
    "records": _records,
    "snapshot": _snapshot,
}


def _report(options: Namespace, *, alone: Sequence[float], beside: Sequence[float]) -> Report:
    figures = {"alone": _percentiles(alone), "beside": _percentiles(beside)}
    rows: list[Sequence[Cell]] = [("", "alone ms", "beside ms", "times")]
    for name, before in figures["alone"].items():
        after = figures["beside"][name]
        rows.append((name.removesuffix("_ms"), before, after, round(after / before, 2)))
    return Report(
        title=f"beside {options.jobs:,} ({options.what}): commit to handler start, idle worker",
        figures={
            "benchmark": "beside",
            "what": options.what,
            "jobs": options.jobs,
            "count": options.count,
            **figures,
        },
        settings={},
        table=rows,
    )


def _percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    found = {f"p{percent}_ms": percentile(milliseconds, percent) for percent in (50, 95)}
    found["max_ms"] = max(milliseconds)
    return {name: round(value, 2) for name, value in found.items()}
