"""How fast the queue is, on real processes and a real database."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from tests import networks
from tests.postgresql_server import ServerDidNotStart

from .databases import KINDS, prepared_site
from .document.results import kept_results
from .document.writing import write
from .ending import end_in_order
from .errors import BenchmarkFailed
from .options import BENCHMARKS, CROWDS, DEFAULT, POSTGRESQL_ONLY, add_plan_options
from .plan import run_all

EPILOG = """
PostgreSQL is the server that DATABASE_URL names, in a database made for the purpose, or a server of
its own with default durability. The exit status is 1 if a job was lost or ran twice: then no figure
is printed.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m benchmarks`."""
    commands = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=EPILOG
    )
    benchmarks = commands.add_subparsers(dest="benchmark", required=True, metavar="NAME")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--database", choices=KINDS, default=KINDS[0], help=DEFAULT)
    shared.add_argument("--json", action="store_true", help="print JSON instead of a table")
    for name, (about, add_options) in BENCHMARKS.items():
        add_options(benchmarks.add_parser(name, parents=[shared], help=about, description=about))
    add_plan_options(benchmarks.add_parser("all", help="all that docs/performance.md needs"))
    benchmarks.add_parser("document", help="make docs/performance.md of the results that are kept")
    return commands


def main(arguments: list[str]) -> int:
    """Run one benchmark and print what it found; return the exit status."""
    commands = parser()
    options = commands.parse_args(arguments)
    if options.benchmark == "all":
        return run_all(options)
    if options.benchmark == "document":
        write(kept_results())
        return 0
    if options.benchmark == "sqlite":
        options.database = "sqlite"
    elif wrong := _refusal(options):
        commands.error(wrong)
    if options.benchmark == "beside":
        options.jobs = options.jobs or CROWDS[options.what][1]
    try:
        with _site_of(options):
            # Imported only now: models can be imported once Django is set up.
            benchmark = import_module(f"benchmarks.{options.benchmark}")
            printing = import_module("benchmarks.report")
            printing.print_report(benchmark.run(options), as_json=options.json)
    except (BenchmarkFailed, ServerDidNotStart) as failure:
        print(f"{options.benchmark}: {failure}", file=sys.stderr)
        return 1
    return 0


def _refusal(options: argparse.Namespace) -> str | None:
    """Return what is wrong with these, if anything is."""
    if options.database != "sqlite":
        return None
    if options.benchmark == "drain" and options.processes > 1:
        return "--processes: SQLite has one writer at a time, so only one worker is measured on it"
    if options.benchmark in POSTGRESQL_ONLY:
        return "--database sqlite: this is measured on PostgreSQL only"
    return None


@contextmanager
def _site_of(options: argparse.Namespace) -> Iterator[None]:
    """Prepare the site; the one of `hosts` has a server of its own, in a network of its own."""
    if options.benchmark != "hosts":
        with prepared_site(
            options.database, connections_needed=100 + getattr(options, "workers", 0)
        ):
            yield
        return
    if reason := networks.refusal():
        raise BenchmarkFailed(reason)
    with (
        networks.own_network(),
        prepared_site(options.database, admitted=networks.ADDRESSES),
    ):
        yield


if __name__ == "__main__":
    end_in_order()
    sys.exit(main(sys.argv[1:]))
