"""How much memory a worker holds after very many jobs, beside what it held after some."""

import os
import tempfile
from argparse import Namespace
from pathlib import Path

from django.db import connection

from .children import WORKER, Children, started
from .databases import empty_tables
from .draining import add, wait_until_archived
from .evidence import check_exactly_once
from .jobs import COUNTS_FILE, counted
from .processes import resident_bytes
from .report import Report, progress

#: How long the worker rests before it is looked at: what it keeps then, it keeps.
REST_SECONDS = 2.0
#: How many jobs wait at most.
STRETCH = 100_000
MIB = 2**20


def run(options: Namespace) -> Report:
    """Let one worker run so many and then many more; NotExactlyOnce if one was lost or repeated."""
    empty_tables()
    with tempfile.NamedTemporaryFile(prefix="jobqueue-counts-") as counts:
        os.truncate(counts.name, options.jobs)
        environment = {COUNTS_FILE: counts.name}
        with started((*WORKER, "--processes", "0"), environment=environment) as worker:
            before = _mebibytes_after(range(options.first), worker)
            after = _mebibytes_after(range(options.first, options.jobs), worker)
        calls = Path(counts.name).read_bytes()
    check_exactly_once(
        options.jobs, calls=(number for number, count in enumerate(calls) for _ in range(count))
    )
    return _report(options, before=before, after=after)


def _mebibytes_after(numbers: range, worker: Children) -> float:
    for start in numbers[::STRETCH]:
        stretch = range(start, min(start + STRETCH, numbers.stop))
        add(stretch, handler=counted)
        wait_until_archived(stretch.stop, worker)
    worker.pause(REST_SECONDS)
    held = resident_bytes(worker.pids[0]) / MIB
    progress(f"after {numbers.stop:,} jobs: {held:.1f} MiB")
    return held


def _report(options: Namespace, *, before: float, after: float) -> Report:
    figures = {
        "mebibytes_before": round(before, 2),
        "mebibytes": round(after, 2),
        "ratio": round(after / before, 3),
    }
    return Report(
        title=(
            f"resident: memory of one worker after {options.first:,} and after {options.jobs:,} "
            f"no-op jobs, {connection.vendor}"
        ),
        figures={
            "benchmark": "resident",
            "database": options.database,
            "first": options.first,
            "jobs": options.jobs,
            **figures,
        },
        settings={},
        table=[("MiB before", "MiB after", "ratio"), tuple(figures.values())],
    )
