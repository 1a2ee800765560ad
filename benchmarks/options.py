"""What each benchmark is for, and what may be said to it."""

import argparse
from collections.abc import Callable
from typing import Any

DEFAULT = "default: %(default)s"
RUNS = "rounds, of which the median counts"
AddOptions = Callable[[argparse.ArgumentParser], None]


def positive(text: str) -> int:
    """Read a command line number that must be at least 1."""
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")


def _drain_options(drain: argparse.ArgumentParser) -> None:
    drain.add_argument("--jobs", **_count(50_000))
    drain.add_argument("--processes", **_count(1, "workers"))
    drain.add_argument("--runs", **_count(3, RUNS))


def _io_options(io: argparse.ArgumentParser) -> None:
    io.add_argument("--short", **_count(2_000, "jobs of 10 ms"))
    io.add_argument("--long", **_count(1_000, "async jobs of 1 s, and a tenth as many in threads"))
    io.add_argument("--runs", **_count(5, RUNS))


def _mixed_options(mixed: argparse.ArgumentParser) -> None:
    mixed.add_argument("--jobs", **_count(50_000))
    mixed.add_argument("--runs", **_count(5, RUNS))


def _backlog_options(backlog: argparse.ArgumentParser) -> None:
    backlog.add_argument(
        "--sizes", type=positive, nargs="+", default=BACKLOGS, metavar="N", help=DEFAULT
    )
    backlog.add_argument("--jobs", **_count(10_000, "jobs of each backlog that are timed"))
    backlog.add_argument("--runs", **_count(3, RUNS))


def _bloat_options(bloat: argparse.ArgumentParser) -> None:
    bloat.add_argument("--jobs", **_count(200_000))
    bloat.add_argument("--runs", **_count(3, RUNS))


def _scale_options(scale: argparse.ArgumentParser) -> None:
    scale.add_argument("--jobs", **_count(50_000))
    scale.add_argument(
        "--processes", type=positive, nargs="+", default=(1, 2, 4, 8), metavar="N", help=DEFAULT
    )
    scale.add_argument("--runs", **_count(3, RUNS))


def _hosts_options(hosts: argparse.ArgumentParser) -> None:
    hosts.add_argument("--jobs", **_count(50_000))
    hosts.add_argument("--runs", **_count(5, RUNS))


def _orm_options(orm: argparse.ArgumentParser) -> None:
    orm.add_argument("--jobs", **_count(10_000))
    orm.add_argument("--runs", **_count(5, RUNS))


def _resident_options(resident: argparse.ArgumentParser) -> None:
    resident.add_argument("--first", **_count(10_000, "jobs before the first look"))
    resident.add_argument("--jobs", **_count(1_000_000, "jobs before the second"))


def _observed_options(observed: argparse.ArgumentParser) -> None:
    observed.add_argument("--jobs", **_count(50_000))
    observed.add_argument("--runs", **_count(5, RUNS))


def _idle_options(idle: argparse.ArgumentParser) -> None:
    idle.add_argument("--seconds", **_count(60, "how long each is watched"))
    idle.add_argument("--workers", **_count(1_000, "idle workers that are simulated"))


def _cost_options(cost: argparse.ArgumentParser) -> None:
    cost.add_argument("--jobs", **_count(50_000))
    cost.add_argument("--count", **_count(2_000, "jobs enqueued one at a time"))
    cost.add_argument("--runs", **_count(3, RUNS))


def _comparison_options(comparison: argparse.ArgumentParser) -> None:
    comparison.add_argument("--jobs", **_count(50_000, "jobs that a fast system drains"))
    comparison.add_argument("--count", **_count(500, "jobs enqueued one at a time"))
    comparison.add_argument("--bulk", **_count(20_000, "jobs that a fast system enqueues at once"))
    comparison.add_argument("--pickups", **_count(200, "jobs whose start is timed, each round"))
    comparison.add_argument("--runs", **_count(3, RUNS))


def _peers_options(peers: argparse.ArgumentParser) -> None:
    _comparison_options(peers)
    peers.add_argument(
        "--processes", type=positive, nargs="+", default=(1, 2), metavar="N", help=DEFAULT
    )
    peers.add_argument("--only", nargs="+", metavar="NAME", help="these systems only")
    _newer_python(peers)


def _newer_python(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--newer-python", metavar="PROGRAM", help="for systems that need a newer one than this"
    )


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


def add_plan_options(plan: argparse.ArgumentParser) -> None:
    """Let `all` be told how much to measure."""
    plan.add_argument("--quick", action="store_true", help="fewer jobs and rounds: half an hour")
    plan.add_argument("--only", nargs="+", metavar="RESULT", help="these results only")
    _newer_python(plan)


#: How many jobs wait, from a quiet site to one that is in trouble.
BACKLOGS = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
#: Those for which SQLite has no answer.
POSTGRESQL_ONLY = ("beside", "backlog", "bloat", "scale", "hosts", "cost", "peers")
#: Name: what it measures, and what it takes.
BENCHMARKS: dict[str, tuple[str, AddOptions]] = {
    "drain": ("jobs per second of a real worker, beside the limit", _drain_options),
    "io": ("jobs that wait for something, beside the ideal of their concurrency", _io_options),
    "mixed": (
        "many queues, priorities, unique keys and a limit; queues of different speed",
        _mixed_options,
    ),
    "backlog": ("jobs per second while from a thousand to millions wait", _backlog_options),
    "bloat": ("jobs per second while a snapshot is held open, beside none", _bloat_options),
    "scale": ("jobs per second of several workers, beside the limit", _scale_options),
    "hosts": ("jobs per second of two hosts over a network, beside one", _hosts_options),
    "orm": ("jobs that read and save a row, beside bare threads", _orm_options),
    "resident": ("memory of a worker after very many jobs, beside after some", _resident_options),
    "observed": ("jobs per second with metrics and signals connected", _observed_options),
    "idle": ("what workers cost that have nothing to do", _idle_options),
    "cost": ("processor time, log and disk for one job", _cost_options),
    "sqlite": ("the same work on huey's SQLite storage", _comparison_options),
    "peers": ("the same work on other job queues", _peers_options),
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
