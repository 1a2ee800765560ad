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
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import django

from tests.faketime import clock_off_by
from tests.pgbouncer import pgbouncer
from tests.postgresql_server import postgresql_server

if TYPE_CHECKING:
    from .storm import Ground, Report

Facts = dict[str, Any]

#: So many in the standard storm; in a shorter one, fewer.
STANDARD_SECONDS = 200.0
KILLS = {"kill": 15, "kill_child": 35, "kill_tree": 15}
PAUSES = {"pause": 15, "pause_tree": 15}
FAILPOINTS = {"failpoint_kill": 12, "failpoint_pause": 6}
COMMITS = {"failpoint_terminate": 12, "failpoint_raise": 6}
CONNECTIONS = {"hold_up": 6, "cut_off": 6, "half_close": 6, "lose_replies": 24}
GROUPS = {
    # Whoever is stopped on SQLite may hold the one write lock: only deaths, there.
    "sqlite": [KILLS, {"failpoint_kill": 12}],
    "postgresql": [
        KILLS,
        PAUSES,
        {"restart": 5, "outage": 2},
        {"terminate": 40},
        CONNECTIONS,
        {**FAILPOINTS, **COMMITS},
    ],
}


@contextmanager
def prepared_ground(given: argparse.Namespace) -> Iterator["Ground"]:
    """Set up Django on a fresh database; once per process."""
    with ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        make = _on_sqlite if given.database == "sqlite" else _on_postgresql
        own_url, facts = make(stack, folder, given)
        os.environ["DATABASE_URL"] = own_url
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from .storm import Ground

        call_command("migrate", verbosity=0)
        stack.callback(connections.close_all)
        yield Ground(folder=folder, **facts)


def _on_sqlite(stack: ExitStack, folder: Path, given: argparse.Namespace) -> tuple[str, Facts]:
    url = f"sqlite:///{folder}/site.sqlite3"
    return url, {"workers": [{"DATABASE_URL": url}] * len(given.processes)}


def _on_postgresql(stack: ExitStack, folder: Path, given: argparse.Namespace) -> tuple[str, Facts]:
    """A server, perhaps with a pgbouncer before it, and a proxy before that for each worker and for
    the producers.
    """
    from .proxy import Proxy
    from .server import Server

    url = stack.enter_context(postgresql_server())
    server = Server(Path(parse_qs(urlsplit(url).query)["host"][0]) / "data")
    stack.callback(server.start)  # whoever began with it expects to stop it
    socket = stack.enter_context(pgbouncer(url)) if given.pgbouncer else server.socket
    count = len(given.processes) + 1
    proxies = [stack.enter_context(Proxy(socket=str(socket))) for _ in range(count)]
    own_url, *worker_urls = [
        f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres" for proxy in proxies
    ]
    clocks = [clock_off_by(hours=hours) if hours else {} for hours in given.clocks]
    pooled = {"JOBQUEUE_CHAOS_POOLED": "1"} if given.pgbouncer else {}
    return own_url, {
        "workers": [
            {"DATABASE_URL": worker_url, **pooled, **clock}
            for worker_url, clock in zip_longest(worker_urls, clocks, fillvalue={})
        ],
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
    parser.add_argument(
        "--doomed", type=int, default=15, help="jobs of each of two producers that cannot succeed"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="for history and logs")
    _add_surroundings(parser)
    return parser


def _add_surroundings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pgbouncer", action="store_true", help="on PostgreSQL, through one in transaction mode"
    )
    parser.add_argument(
        "--clocks",
        type=int,
        nargs="+",
        default=[],
        metavar="HOURS",
        help="on PostgreSQL, by how much the clocks of the first workers are off",
    )


def main(arguments: list[str]) -> int:
    given = command_line().parse_args(arguments)
    # A storm that is told to end takes its workers with it.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.stderr.write(f"a storm of {given.seconds:.0f} s on {given.database}, seed {given.seed}\n")
    with prepared_ground(given) as ground:
        from .storm import Plan, storm

        share = given.seconds / STANDARD_SECONDS
        groups = [
            {name: max(1, round(share * times)) for name, times in group.items()}
            for group in GROUPS[given.database]
        ]
        plan = Plan(
            jobs=given.jobs,
            seconds=given.seconds,
            groups=groups,
            processes=given.processes,
            doomed=given.doomed,
        )
        report = storm(plan, ground, seed=given.seed)
    figures = {
        "database": given.database,
        "processes": given.processes,
        **report.figures(),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0 if report.passed and _says_something(report, given) else 1


def _says_something(report: "Report", given: argparse.Namespace) -> bool:
    """Without late finishes, no late write says nothing; in a short storm, luck decides."""
    if given.database == "sqlite" or report.verdict.late_finishes:
        return True
    sys.stderr.write("no run returned while a successor was running: it says little of the fence\n")
    return given.seconds < STANDARD_SECONDS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
