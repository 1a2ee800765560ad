"""`python -m tests.acceptance.kills`: kill children of a worker one after the other, or with
`--trees` whole workers beside another, and tell as JSON how soon what they ran was ready again, and
running again. Status 1 if that took too long.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

from django_jobqueue.core.clock import monotonic
from tests.postgresql_server import postgresql_server

if TYPE_CHECKING:
    from .killing import Loss

#: What a site may expect of the supervisor: ready again for all, and running again for 19 of 20.
READY_SECONDS, START_SECONDS = 1.0, 5.0
#: What it may expect of another worker, beyond the lease and the interval between its looks.
REAPED_SECONDS = 1.0


@contextmanager
def site(database: str, folder: Path) -> Iterator[str]:
    """Set up Django on a database of its own, once per process; yield its URL."""
    with ExitStack() as stack:
        if database == "sqlite":
            url = f"sqlite:///{folder}/site.sqlite3"
        else:
            url = stack.enter_context(postgresql_server())
        os.environ["DATABASE_URL"] = url
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.acceptance.settings"
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        stack.callback(connections.close_all)
        yield url


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Keep so many processors busy with something else."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def figures(losses: "Sequence[Loss]") -> dict[str, Any]:
    ready = [loss.ready_after for loss in losses]
    starts = sorted(loss.started_after for loss in losses)
    return {
        "jobs": len(losses),
        "ready_max": round(max(ready), 3),
        "start_p50": round(statistics.median(starts), 3),
        "start_p95": round(starts[max(0, -(-len(starts) * 95 // 100) - 1)], 3),
        "start_max": round(starts[-1], 3),
    }


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.kills", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=4, help="all killed jobs of one child")
    parser.add_argument("--job-seconds", type=float, default=0.5, help="how long a job takes")
    parser.add_argument("--trees", action="store_true", help="kill supervisors with their children")
    parser.add_argument("--load", type=int, default=0, help="processes that do nothing but compute")
    return parser


def main(arguments: list[str]) -> int:
    given = command_line().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as name, site(given.database, Path(name)) as url:
        from .killing import ChildKilling, TreeKilling

        began = monotonic()
        killing = (TreeKilling if given.trees else ChildKilling)(
            url,
            Path(name),
            processes=given.processes,
            concurrency=given.concurrency,
            job_seconds=given.job_seconds,
        )
        with load(given.load), killing.working():
            losses = [loss for _ in range(given.kills) for loss in killing.kill_one()]
        told = {**vars(given), "seconds": round(monotonic() - began, 1), **figures(losses)}
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 0 if in_time(told, killing.settings) else 1


def in_time(told: Mapping[str, Any], settings: Mapping[str, float]) -> bool:
    if told["trees"]:
        allowed = settings["LEASE"] + settings["REAP_INTERVAL"] + REAPED_SECONDS
        return bool(told["ready_max"] <= allowed)
    return bool(told["ready_max"] <= READY_SECONDS and told["start_p95"] <= START_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
