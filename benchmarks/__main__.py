"""The command line of the benchmarks: `python -m benchmarks --help`."""

import argparse
import sys
from importlib import import_module

from .children import ChildFailed
from .databases import KINDS, prepared_site

EPILOG = """
PostgreSQL is the server that DATABASE_URL names, in a database made for the purpose, or a server of
its own with default durability. The exit status is 1 if a job was lost or ran twice: then no figure
is printed.
"""


def positive(text: str) -> int:
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m benchmarks`."""
    commands = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=EPILOG
    )
    benchmarks = commands.add_subparsers(dest="benchmark", required=True, metavar="NAME")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--database", choices=KINDS, default=KINDS[0], help="default: %(default)s")
    shared.add_argument("--json", action="store_true", help="print JSON instead of a table")

    drain = benchmarks.add_parser(
        "drain", parents=[shared], help="jobs per second of a real worker, beside the limit"
    )
    drain.add_argument(
        "--jobs", type=positive, default=50_000, metavar="N", help="default: %(default)s"
    )
    drain.add_argument(
        "--processes", type=positive, default=1, metavar="N", help="workers; default: 1"
    )
    drain.add_argument(
        "--runs", type=positive, default=3, metavar="N", help="the median counts; default: 3"
    )

    latency = benchmarks.add_parser(
        "latency", parents=[shared], help="from commit to the start of the handler"
    )
    latency.add_argument(
        "--count", type=positive, default=200, metavar="N", help="jobs; default: 200"
    )
    latency.add_argument(
        "--scheduled", action="store_true", help="delayed jobs: how late they start"
    )

    enqueue = benchmarks.add_parser(
        "enqueue", parents=[shared], help="against bare INSERT and COPY"
    )
    enqueue.add_argument(
        "--count", type=positive, default=2_000, metavar="N", help="one at a time; default: 2000"
    )
    enqueue.add_argument(
        "--bulk", type=positive, default=20_000, metavar="N", help="in one call; default: 20000"
    )
    enqueue.add_argument(
        "--runs", type=positive, default=3, metavar="N", help="the median counts; default: 3"
    )
    return commands


def main(arguments: list[str]) -> int:
    """Run one benchmark and print what it found; return the exit status."""
    commands = parser()
    options = commands.parse_args(arguments)
    if options.benchmark == "drain" and options.database == "sqlite" and options.processes > 1:
        commands.error(
            "--processes: SQLite has one writer at a time, so only one worker is measured on it"
        )
    with prepared_site(options.database):
        # Imported only now: models can be imported once Django is set up.
        benchmark = import_module(f"benchmarks.{options.benchmark}")
        report = import_module("benchmarks.report")
        try:
            report.print_report(benchmark.run(options), as_json=options.json)
        except (import_module("benchmarks.evidence").NotExactlyOnce, ChildFailed) as failure:
            print(f"{options.benchmark}: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
