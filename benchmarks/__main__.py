"""How fast the queue is, on real processes and a real database."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.postgresql_server import ServerDidNotStart

from .databases import KINDS, prepared_site
from .errors import BenchmarkFailed

EPILOG = """
PostgreSQL is the server that DATABASE_URL names, in a database made for the purpose, or a server of
its own with default durability. The exit status is 1 if a job was lost or ran twice: then no figure
is printed.
"""
DEFAULT = "default: %(default)s"
RUNS = "rounds, of which the median counts"


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
    shared.add_argument("--database", choices=KINDS, default=KINDS[0], help=DEFAULT)
    shared.add_argument("--json", action="store_true", help="print JSON instead of a table")
    for name, (about, add_options) in BENCHMARKS.items():
        add_options(benchmarks.add_parser(name, parents=[shared], help=about, description=about))
    return commands


def _drain_options(drain: argparse.ArgumentParser) -> None:
    drain.add_argument("--jobs", **_count(50_000))
    drain.add_argument("--processes", **_count(1, "workers"))
    drain.add_argument("--runs", **_count(3, RUNS))


def _latency_options(latency: argparse.ArgumentParser) -> None:
    latency.add_argument("--count", **_count(200, "jobs"))
    latency.add_argument(
        "--scheduled", action="store_true", help="delayed jobs: how late they start"
    )


def _beside_options(beside: argparse.ArgumentParser) -> None:
    beside.add_argument(
        "what",
        choices=tuple(CROWDS),
        help="; ".join(
            f"{what}: {about}, {count:,} by default" for what, (about, count) in CROWDS.items()
        ),
    )
    beside.add_argument("--jobs", type=positive, metavar="N", help="how many of them")
    beside.add_argument("--count", **_count(100, "jobs whose start is measured, before and beside"))


def _poison_options(poison: argparse.ArgumentParser) -> None:
    poison.add_argument("--jobs", **_count(20_000))
    poison.add_argument("--processes", **_count(2, "children of the worker"))
    poison.add_argument("--runs", **_count(3, RUNS))


def _rate_options(rate: argparse.ArgumentParser) -> None:
    rate.add_argument("--minutes", **_count(2, "how long"))
    rate.add_argument("--processes", **_count(3, "workers"))


def _wait_options(wait: argparse.ArgumentParser) -> None:
    wait.add_argument("--count", **_count(200, "jobs"))


def _enqueue_options(enqueue: argparse.ArgumentParser) -> None:
    enqueue.add_argument("--count", **_count(2_000, "jobs enqueued one at a time"))
    enqueue.add_argument("--bulk", **_count(20_000, "jobs enqueued in one call"))
    enqueue.add_argument("--runs", **_count(3, RUNS))


def _memory_options(memory: argparse.ArgumentParser) -> None:
    memory.add_argument("--jobs", **_count(10_000))
    memory.add_argument("--workers", **_count(4, "threads"))
    memory.add_argument("--runs", **_count(5, RUNS))


def _limits_options(limits: argparse.ArgumentParser) -> None:
    limits.add_argument("--jobs", **_count(400))
    limits.add_argument("--processes", **_count(4, "workers"))
    limits.add_argument("--limit", **_count(3, "jobs that may run at once"))
    limits.add_argument("--of", choices=("handler", "key", "queue"), default="key", help=DEFAULT)
    limits.add_argument("--runs", **_count(3, RUNS))


def _isolation_options(isolation: argparse.ArgumentParser) -> None:
    isolation.add_argument("--slow", **_count(1_000, "jobs of the full queue"))
    isolation.add_argument("--quick", **_count(500, "jobs of the other"))
    isolation.add_argument("--runs", **_count(3, RUNS))


def _count(default: int, about: str = "") -> Any:
    """The options of an argument that is a number of things."""
    told = f"{about}; {DEFAULT}" if about else DEFAULT
    return {"type": positive, "default": default, "metavar": "N", "help": told}


#: What `beside` knows: what it is, and how many there are unless said otherwise.
CROWDS = {
    "due": ("jobs of another queue that become due at one moment", 1_000_000),
    "records": ("archived jobs", 10_000_000),
    "snapshot": ("jobs that ended since the start of a transaction that is still open", 360_000),
}
#: Name: what it measures, and what it takes.
BENCHMARKS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "drain": ("jobs per second of a real worker, beside the limit", _drain_options),
    "latency": ("milliseconds from commit to the start of the handler", _latency_options),
    "poison": ("jobs per second beside one that kills its process", _poison_options),
    "rate": ("starts in any minute under a rate that workers share", _rate_options),
    "beside": ("how soon jobs start beside very many others, on PostgreSQL", _beside_options),
    "isolation": ("seconds for the jobs of one queue beside a full one", _isolation_options),
    "limits": ("how much of a limit across workers is used", _limits_options),
    "wait": ("milliseconds from the end of a job to the return of wait()", _wait_options),
    "memory": ("seconds for a backlog of the memory queue, which has no database", _memory_options),
    "enqueue": ("jobs stored per second, beside bare INSERT and COPY", _enqueue_options),
}


def main(arguments: list[str]) -> int:
    """Run one benchmark and print what it found; return the exit status."""
    commands = parser()
    options = commands.parse_args(arguments)
    if options.benchmark == "drain" and options.database == "sqlite" and options.processes > 1:
        commands.error(
            "--processes: SQLite has one writer at a time, so only one worker is measured on it"
        )
    if options.benchmark == "beside":
        if options.database == "sqlite":
            commands.error("--database sqlite: so many others are for PostgreSQL")
        options.jobs = options.jobs or CROWDS[options.what][1]
    try:
        with prepared_site(options.database):
            # Imported only now: models can be imported once Django is set up.
            benchmark = import_module(f"benchmarks.{options.benchmark}")
            printing = import_module("benchmarks.report")
            printing.print_report(benchmark.run(options), as_json=options.json)
    except (BenchmarkFailed, ServerDidNotStart) as failure:
        print(f"{options.benchmark}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
