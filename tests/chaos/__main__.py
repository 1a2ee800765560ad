"""`python -m tests.chaos`: a long storm on a database of its own; figures as JSON, status 1 if any
promise was broken.
"""

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import django

from tests.postgresql_server import postgresql_server

if TYPE_CHECKING:
    from .storm import Ground

#: So many in the standard storm; in a shorter one, fewer.
STANDARD_SECONDS = 200.0
KILLS = {"kill": 15, "kill_child": 35, "kill_tree": 15}
PAUSES = {"pause": 15, "pause_tree": 15}
CONNECTIONS = {"hold_up": 6, "cut_off": 6, "half_close": 6, "lose_replies": 24}
GROUPS = {
    # Whoever is stopped on SQLite may hold the one write lock: only deaths, there.
    "sqlite": [KILLS],
    "postgresql": [
        KILLS,
        PAUSES,
        {"restart": 5, "outage": 2},
        {"terminate": 40},
        CONNECTIONS,
    ],
}


@contextmanager
def prepared_ground(database: str, *, workers: int, keep: Path | None) -> Iterator["Ground"]:
    """Set up Django on a fresh database; once per process."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        make = _on_sqlite if database == "sqlite" else _on_postgresql
        own_url, facts = make(stack, folder, workers)
        os.environ["DATABASE_URL"] = own_url
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from .storm import Ground

        call_command("migrate", verbosity=0)
        stack.callback(connections.close_all)
        yield Ground(folder=folder, **facts)


def _on_sqlite(stack: ExitStack, folder: Path, workers: int) -> tuple[str, dict[str, Any]]:
    url = f"sqlite:///{folder}/site.sqlite3"
    return url, {"worker_urls": [url] * workers}


def _on_postgresql(stack: ExitStack, folder: Path, workers: int) -> tuple[str, dict[str, Any]]:
    """A server, and a proxy before it for each worker and for the producers."""
    from .proxy import Proxy
    from .server import Server

    url = stack.enter_context(postgresql_server())
    server = Server(Path(parse_qs(urlsplit(url).query)["host"][0]) / "data")
    stack.callback(server.start)  # whoever began with it expects to stop it
    proxies = [stack.enter_context(Proxy(socket=server.socket)) for _ in range(workers + 1)]
    own_url, *worker_urls = [
        f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres" for proxy in proxies
    ]
    return own_url, {
        "worker_urls": worker_urls,
        "proxies": proxies,
        "server": server,
        "server_url": url,
    }


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--database", choices=sorted(GROUPS), default="postgresql")
    parser.add_argument(
        "--jobs", type=int, default=23_000, help="enqueues; some fail, or are rolled back"
    )
    parser.add_argument(
        "--processes",
        type=int,
        nargs="+",
        default=[1, 1, 1, 0],
        help="children of each worker, one number for each; 0 runs it all in one process",
    )
    parser.add_argument(
        "--seconds", type=float, default=STANDARD_SECONDS, help="how long the faults go on"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for history and logs")
    return parser


def main(arguments: list[str]) -> int:
    given = command_line().parse_args(arguments)
    # A storm that is told to end takes its workers with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.stderr.write(f"a storm of {given.seconds:.0f} s on {given.database}, seed {given.seed}\n")
    with prepared_ground(given.database, workers=len(given.processes), keep=given.keep) as ground:
        from .storm import Plan, storm

        share = given.seconds / STANDARD_SECONDS
        groups = [
            {name: max(1, round(share * times)) for name, times in group.items()}
            for group in GROUPS[given.database]
        ]
        plan = Plan(
            jobs=given.jobs, seconds=given.seconds, groups=groups, processes=given.processes
        )
        report = storm(plan, ground, seed=given.seed)
    figures = {
        "database": given.database,
        "processes": given.processes,
        **report.figures(),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    if given.database == "postgresql" and not report.verdict.late_finishes:
        sys.stderr.write("no run returned while a successor was running: this storm says nothing\n")
        return 1
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
