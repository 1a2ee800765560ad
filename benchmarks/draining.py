"""Work off a backlog with real processes, and tell how long that took and whether it was right."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Max, Min, QuerySet

from django_jobqueue import JobHandle
from django_jobqueue.jobs.enqueueing import Enqueuer
from django_jobqueue.models import ArchivedJob, Job, WorkerRecord

from .children import Children, started
from .databases import empty_tables, settle
from .errors import BenchmarkFailed
from .evidence import check_exactly_once
from .jobs import CALLS_FOLDER, noop

CHUNK = 5_000
DRAIN_SECONDS = 900
LOOK_SECONDS = 0.01
#: SQLite's clock counts milliseconds.
SHORTEST = timedelta(milliseconds=1)
MEASURED = (
    "from the first claimed_at to the last finished_at in the archive, both by the database's clock"
)

#: Copies of one job that was enqueued, each with a number and a fingerprint of its own: the fastest
#: way to millions.
MULTIPLY = """
    INSERT INTO jobqueue_job ({columns}) SELECT {values}
    FROM generate_series(%(next)s, %(last)s) AS n
    CROSS JOIN (SELECT * FROM jobqueue_job WHERE id = %(id)s) AS one
"""
OWN_VALUES = {
    "payload": """jsonb_build_object(
        'args', jsonb '[]', 'kwargs', jsonb_build_object('number', n)
    )""",
    "fingerprint": "md5(n::text)",
    "ready_at": "clock_timestamp()",
}


def fill(jobs: int, *, handler: Enqueuer[...] = noop) -> None:
    """Let there be nothing but so many jobs of it, with the arguments 0 to `jobs` - 1."""
    empty_tables()
    add(range(jobs), handler=handler)
    settle()


def add(numbers: range, *, handler: Enqueuer[...] = noop) -> None:
    """Enqueue a job for each of the numbers."""
    if connection.vendor == "postgresql":
        with transaction.atomic():  # a worker that runs already would end the first of them before
            _multiply(handler.enqueue(number=numbers.start), numbers=numbers)
        return
    for start in numbers[::CHUNK]:
        handler.enqueue_many({"number": n} for n in range(start, min(start + CHUNK, numbers.stop)))


def _multiply(one: JobHandle, *, numbers: range) -> None:
    columns = [str(field.column) for field in Job._meta.concrete_fields if field.column != "id"]
    statement = MULTIPLY.format(
        columns=", ".join(columns),
        values=", ".join(OWN_VALUES.get(name, f"one.{name}") for name in columns),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            statement, {"id": one.id, "next": numbers.start + 1, "last": numbers.stop - 1}
        )


def work_off(
    command: Sequence[str],
    *,
    jobs: int,
    processes: int = 1,
    environment: Mapping[str, str] | None = None,
) -> float:
    """Let the processes work off what is ready; return the seconds that took.

    NotExactlyOnce unless each of the `jobs`, numbered from 0, ran and finished once.
    """
    with calls_kept(environment) as (kept, calls):
        with started(command, count=processes, environment=kept) as children:
            with claims_held_back():
                wait_for_workers(children, processes)
            children.wait(DRAIN_SECONDS)
        check_exactly_once(jobs, calls=calls())
    return seconds_taken()


@contextmanager
def calls_kept(
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[Mapping[str, str], "Calls"]]:
    """Yield the environment of processes that keep their calls, and what tells of those that have
    ended.
    """
    with tempfile.TemporaryDirectory(prefix="jobqueue-calls-") as folder:
        yield {**(environment or {}), CALLS_FOLDER: folder}, Calls(Path(folder))


class Calls:
    """The arguments that handlers were called with, as ended processes have left them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> Iterable[int]:
        for file in self._folder.iterdir():
            yield from json.loads(file.read_text())


@contextmanager
def claims_held_back() -> Iterator[None]:
    """Let no process claim before all have started; some would work while others still import."""
    if connection.vendor == "sqlite":
        yield  # one process: nothing to wait for, and its worker row needs the write lock
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE jobqueue_job IN EXCLUSIVE MODE")
        yield


def wait_for_workers(children: Children, processes: int) -> None:
    """Return once so many have registered."""
    if connection.vendor == "sqlite":
        return
    while WorkerRecord.objects.count() < processes:
        children.pause(LOOK_SECONDS)


def wait_until_archived(jobs: int, worker: Children) -> None:
    """Return once so many have ended; BenchmarkFailed if that takes too long."""
    for _ in range(int(DRAIN_SECONDS / LOOK_SECONDS)):
        if ArchivedJob.objects.count() >= jobs:
            return
        worker.pause(LOOK_SECONDS)
    raise BenchmarkFailed(f"{ArchivedJob.objects.count():,} of {jobs:,} jobs have ended")


def seconds_taken(archived: QuerySet[ArchivedJob] | None = None) -> float:
    """How long it took to work off what is in the archive, or these of it."""
    those = ArchivedJob.objects.all() if archived is None else archived
    times = those.aggregate(first=Min("claimed_at"), last=Max("finished_at"))
    took: timedelta = times["last"] - times["first"]
    return max(took, SHORTEST).total_seconds()
