"""What a job costs whose handler reads and saves one row, beside bare threads that do the same."""

import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable

from django_jobqueue import conf

from .children import WORKER_UNTIL_EMPTY, started
from .databases import empty_tables, settle
from .draining import DRAIN_SECONDS, MEASURED, work_off
from .evidence import NotExactlyOnce
from .jobs import deposit
from .models import Account
from .report import Report
from .rounds import as_figures, as_table, in_turn

BARE, WORKER = "bare threads", "worker"


def run(options: Namespace) -> Report:
    """Measure in turn; NotExactlyOnce if a job was lost or repeated, or a row not saved once."""
    threads = conf.current().concurrency
    subjects: dict[str, Callable[[], float]] = {
        BARE: lambda: _by_threads(options.jobs, threads=threads),
        WORKER: lambda: _by_worker(options.jobs),
    }
    rates = in_turn(subjects, runs=options.runs)
    return Report(
        title=(
            f"orm: {options.jobs:,} times one row is read and saved, {threads} threads, "
            f"{options.database}; the worker {MEASURED}, the bare threads from the first call to "
            "the last"
        ),
        figures={
            "benchmark": "orm",
            "database": options.database,
            "jobs": options.jobs,
            "rates": as_figures(rates, reference=BARE),
        },
        settings={"concurrency": threads},
        table=as_table(rates, reference=BARE),
    )


def _by_threads(jobs: int, *, threads: int) -> float:
    _open_accounts(jobs)
    with tempfile.NamedTemporaryFile("r", prefix="jobqueue-seconds-") as told:
        command = (sys.executable, "-m", "benchmarks.bare_threads", told.name)
        with started((*command, str(jobs), str(threads))) as process:
            process.wait(DRAIN_SECONDS)
        seconds = float(told.read())
    _check_accounts(jobs)
    return jobs / seconds


def _by_worker(jobs: int) -> float:
    _open_accounts(jobs)
    deposit.enqueue_many({"number": number} for number in range(jobs))
    settle()
    seconds = work_off(WORKER_UNTIL_EMPTY, jobs=jobs)
    _check_accounts(jobs)
    return jobs / seconds


def _open_accounts(count: int) -> None:
    empty_tables()
    Account.objects.bulk_create(Account(id=1 + number) for number in range(count))


def _check_accounts(count: int) -> None:
    if (once := Account.objects.filter(balance=1).count()) != count:
        raise NotExactlyOnce(f"{once:,} of {count:,} rows were saved exactly once")
