"""What many queues, priorities, unique keys and a limit cost, and what queues of different speed do
to each other.
"""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from django_jobqueue import Queue, conf
from django_jobqueue.models import ArchivedJob

from .children import WORKER_UNTIL_EMPTY
from .databases import empty_tables, settle
from .draining import CHUNK, MEASURED, fill, seconds_taken, work_off
from .jobs import nap, noop
from .report import Report, progress
from .rounds import Rates, as_figures, as_table, in_turn

QUEUES, PRIORITIES = 10, (0, 5, 10)
#: How many jobs of one of the queues may run at once, whatever worker they run in.
LIMIT = 100
PLAIN, MIX = "one plain queue", "the mix"
#: Queue by queue: which part of the jobs it has, and how many seconds each takes.
SPEEDS: Mapping[str, tuple[float, float]] = {
    "no-op": (0.2, 0.0),
    "10 ms": (0.02, 0.01),
    "100 ms": (0.002, 0.1),
}
TOGETHER = "together"


def run(options: Namespace) -> Report:
    """Measure in turn; NotExactlyOnce if a job was lost or repeated."""
    subjects: dict[str, Callable[[], float]] = {
        PLAIN: lambda: _plain(options.jobs),
        MIX: lambda: _mix(options.jobs),
    }
    rates = in_turn(subjects, runs=options.runs)
    return _report(options, rates=rates, speeds=_speeds(options))


def _plain(jobs: int) -> float:
    fill(jobs)
    return jobs / work_off(WORKER_UNTIL_EMPTY, jobs=jobs)


def _mix(jobs: int) -> float:
    empty_tables()
    Queue("queue0").configure(max_running=LIMIT)
    for first in range(0, jobs, CHUNK):
        _enqueue_mix(range(first, min(first + CHUNK, jobs)))
    settle()
    return jobs / work_off(WORKER_UNTIL_EMPTY, jobs=jobs)


def _enqueue_mix(numbers: range) -> None:
    for queue in range(QUEUES):
        for place, priority in enumerate(PRIORITIES):
            chosen = noop.using(queue=f"queue{queue}", priority=priority, unique=True)
            first = queue + place * QUEUES
            chosen.enqueue_many({"number": n} for n in numbers[first :: QUEUES * len(PRIORITIES)])


def _speeds(options: Namespace) -> dict[str, dict[str, list[float]]]:
    """Return the seconds until each queue was done, alone and together with the others."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in SPEEDS}
    for number in range(1, options.runs + 1):
        for name in SPEEDS:
            took = _seconds_of([name], jobs=options.jobs)[name]
            found[name].setdefault("alone", []).append(took)
        for name, took in _seconds_of(list(SPEEDS), jobs=options.jobs).items():
            found[name].setdefault(TOGETHER, []).append(took)
        told = ", ".join(f"{name} {each[TOGETHER][-1]:.2f} s" for name, each in found.items())
        progress(f"run {number} of {options.runs}, together: {told}")
    return found


def _seconds_of(queues: Sequence[str], *, jobs: int) -> dict[str, float]:
    empty_tables()
    first = 0
    for name in queues:
        count = _count(name, jobs=jobs)
        calls = [{"number": n, "seconds": SPEEDS[name][1]} for n in range(first, first + count)]
        nap.using(queue=name).enqueue_many(calls)
        first += count
    settle()
    work_off(WORKER_UNTIL_EMPTY, jobs=first)
    return {name: seconds_taken(ArchivedJob.objects.filter(queue=name)) for name in queues}


def _count(name: str, *, jobs: int) -> int:
    return max(1, round(SPEEDS[name][0] * jobs))


def _report(
    options: Namespace, *, rates: Rates, speeds: Mapping[str, Mapping[str, Sequence[float]]]
) -> Report:
    seconds = {
        name: {when: round(median(times), 3) for when, times in found.items()}
        for name, found in speeds.items()
    }
    counts = {name: _count(name, jobs=options.jobs) for name in SPEEDS}
    told = [
        (f"{counts[name]:,} of {name}", "", "", found["alone"], found[TOGETHER])
        for name, found in seconds.items()
    ]
    return Report(
        title=f"mixed: {options.jobs:,} jobs, one worker, {options.database}, measured {MEASURED}",
        figures={
            "benchmark": "mixed",
            "database": options.database,
            "jobs": options.jobs,
            "rates": as_figures(rates, reference=PLAIN),
            "seconds": {name: {"jobs": counts[name], **found} for name, found in seconds.items()},
            "measured": MEASURED,
        },
        settings=_settings(),
        table=[
            *as_table(rates, reference=PLAIN),
            ("jobs of each queue", "", "", "alone s", "together s"),
            *told,
        ],
    )


def _settings() -> dict[str, object]:
    return {
        "queues": QUEUES,
        "priorities": PRIORITIES,
        "limit": LIMIT,
        "concurrency": conf.current().concurrency,
    }
