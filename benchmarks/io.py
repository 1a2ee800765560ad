"""How near jobs that wait for something come to what their concurrency allows."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from django_jobqueue.jobs.enqueueing import Enqueuer

from .children import WORKER_UNTIL_EMPTY
from .databases import empty_tables, settle
from .draining import MEASURED, work_off
from .jobs import async_nap, nap
from .report import Report, progress, rows_of

SHORT_SECONDS, LONG_SECONDS = 0.01, 1.0
#: Of short jobs, and of long ones in threads; long async ones all run at once.
SHORT_CONCURRENCY, LONG_THREADS = 50, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """So many jobs of so many seconds, so many of them at once."""

    handler: Enqueuer[...]
    jobs: int
    seconds: float
    concurrency: int

    @property
    def ideal_seconds(self) -> float:
        return -(-self.jobs // self.concurrency) * self.seconds

    def measure(self) -> float:
        """Return the seconds that it takes."""
        empty_tables()
        self.handler.enqueue_many(
            {"number": number, "seconds": self.seconds} for number in range(self.jobs)
        )
        settle()
        option = "--async-concurrency" if self.handler is async_nap else "--concurrency"
        command = (*WORKER_UNTIL_EMPTY, option, str(self.concurrency))
        return work_off(command, jobs=self.jobs)


def run(options: Namespace) -> Report:
    """Measure; NotExactlyOnce if a job was lost or repeated."""
    cases = _cases(short=options.short, long=options.long)
    found: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(1, options.runs + 1):
        for name, case in cases.items():
            found[name].append(case.measure())
            progress(f"run {number} of {options.runs}, {name}: {found[name][-1]:.2f} s")
    return _report(options, cases=cases, found=found)


def _cases(*, short: int, long: int) -> dict[str, Case]:
    in_threads = Case(handler=nap, jobs=short, seconds=SHORT_SECONDS, concurrency=SHORT_CONCURRENCY)
    all_at_once = Case(handler=async_nap, jobs=long, seconds=LONG_SECONDS, concurrency=long)
    tenth = max(1, long // 10)
    return {
        "10 ms, threads": in_threads,
        "10 ms, async": replace(in_threads, handler=async_nap),
        "1 s, threads": replace(
            all_at_once, handler=nap, jobs=tenth, concurrency=min(tenth, LONG_THREADS)
        ),
        "1 s, async": all_at_once,
    }


def _report(
    options: Namespace, *, cases: Mapping[str, Case], found: Mapping[str, Sequence[float]]
) -> Report:
    figures = {name: _figures(cases[name], seconds=found[name]) for name in cases}
    return Report(
        title=f"io: jobs that wait, one worker, {options.database}, measured {MEASURED}",
        figures={
            "benchmark": "io",
            "database": options.database,
            "cases": {name: {**about, "runs": found[name]} for name, about in figures.items()},
            "measured": MEASURED,
        },
        settings={},
        table=[("", "jobs", "at once", "ideal s", "seconds", "of the ideal"), *rows_of(figures)],
    )


def _figures(case: Case, *, seconds: Sequence[float]) -> dict[str, float]:
    middle = median(seconds)
    return {
        "jobs": case.jobs,
        "concurrency": case.concurrency,
        "ideal_seconds": case.ideal_seconds,
        "seconds": round(middle, 3),
        "ratio": round(case.ideal_seconds / middle, 3),
    }
