"""`python -m tests.chaos.soak`: memory and connections of one worker over many jobs, as a table and
then as JSON; status 1 if either grew.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import django
import msgspec

from django_jobqueue.core.clock import monotonic
from tests.postgresql_server import postgresql_server

from .trees import children_of, is_running

JOBS = 200_000
BATCH, MOST_READY = 2_000, 8_000
LOOK_SECONDS = 2.0
#: From the second quarter to the last, each process. A leak of 50 bytes a job is more.
MOST_GROWTH_BYTES = 5 * 2**20


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the worker showed, once so many jobs were done; bytes of all its processes."""

    seconds: float
    done: int
    processes: int
    resident: int
    connections: int


class TooShort(RuntimeError):
    """Nothing can be said of so few jobs."""


def verdict(samples: Sequence[Sample], *, jobs: int) -> dict[str, Any]:
    """Compare the last quarter of the jobs with the second; the first warms up."""
    early = [one for one in samples if 0.25 <= one.done / jobs < 0.5]
    late = [one for one in samples if one.done / jobs >= 0.75]
    if not early or not late:
        raise TooShort(f"{jobs:,} jobs were done before enough was seen of them")
    growth = median(one.resident for one in late) - median(one.resident for one in early)
    per_process = growth / max(one.processes for one in late)
    more = max(one.connections for one in late) - max(one.connections for one in early)
    return {
        "flat": per_process <= MOST_GROWTH_BYTES and more <= 0,
        "growth_bytes_per_process": round(per_process),
        "connections": max(one.connections for one in samples),
        "connections_more": more,
        "seconds": samples[-1].seconds,
        "jobs": jobs,
    }


@contextmanager
def soaking_worker(database: str, folder: Path) -> Iterator[int]:
    """Set up Django on a fresh database, and yield the process id of a worker on it."""
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/site.sqlite3"
        if database == "postgresql":
            url = stack.enter_context(postgresql_server())
        os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.chaos.settings")
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from .fleet import start_worker

        call_command("migrate", verbosity=0)
        stack.callback(connections.close_all)
        with (folder / "printed").open("wb") as printed:
            worker = start_worker(os.environ, processes=1, printed=printed)
        try:
            yield worker.pid
            worker.terminate()
            worker.wait(30)
        finally:
            worker.kill()


def soak(worker: int, *, jobs: int) -> Iterator[Sample]:
    """Keep the worker busy until it has done all, and look at it now and then."""
    from django_jobqueue.models import Job

    from .jobs import nothing

    began, enqueued, pause = monotonic(), 0, threading.Event()
    next_look = began + LOOK_SECONDS
    while (live := Job.objects.count()) or enqueued < jobs:
        if live < MOST_READY and enqueued < jobs:
            calls = [{"number": number} for number in range(min(BATCH, jobs - enqueued))]
            enqueued += len(nothing.enqueue_many(calls))
            continue
        if not is_running(worker):
            raise RuntimeError("the worker has ended")
        if monotonic() >= next_look:
            next_look += LOOK_SECONDS
            yield _look(worker, done=enqueued - live, seconds=monotonic() - began)
        pause.wait(0.05)
    yield _look(worker, done=enqueued, seconds=monotonic() - began)


def _look(worker: int, *, done: int, seconds: float) -> Sample:
    processes = {worker, *children_of({worker})}
    return Sample(
        seconds=round(seconds, 1),
        done=done,
        processes=len(processes),
        resident=sum(map(_resident_bytes, processes)),
        connections=_connections(processes),
    )


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _connections(processes: set[int]) -> int:
    """Of the server, or of the processes to the file."""
    from django.db import connection

    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        opened = (entry for pid in processes for entry in Path(f"/proc/{pid}/fd").iterdir())
        return sum(str(entry.readlink()) == name for entry in opened if entry.is_symlink())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--jobs", type=int, default=JOBS)
    given = parser.parse_args(arguments)
    samples: list[Sample] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        soaking_worker(given.database, Path(folder)) as worker,
    ):
        sys.stderr.write(f"{'seconds':>8} {'jobs':>8} {'processes':>9} {'MiB':>7} connections\n")
        for one in soak(worker, jobs=given.jobs):
            samples.append(one)
            sys.stderr.write(
                f"{one.seconds:8.1f} {one.done:8,} {one.processes:9} "
                f"{one.resident / 2**20:7.1f} {one.connections}\n"
            )
    judged = {"database": given.database, **verdict(samples, jobs=given.jobs)}
    sys.stdout.write(json.dumps(judged, indent=2) + "\n")
    return 0 if judged["flat"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
