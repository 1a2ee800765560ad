"""Comparisons of job queues: the same work, in interleaved rounds of one run."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from .report import Cell, percentile, progress
from .rounds import as_figures, in_turn
from .storages import OURS
from .subject import Pickups, Subject

#: How long a measurement should take: the jobs of slow systems are cut to that.
DRAIN_SECONDS = 5.0
#: Jobs by which a tuning is tried first; where they take less, as many as take so many seconds. A
#: trial of a few batches would count the claim of all but the first, and like large ones best.
TRIAL, TRIAL_SECONDS = 300, 2.0
#: How often each tuning is tried, in turn; the best time counts.
TRIES = 2
PERCENTS = (50, 99)


def compare(subjects: Mapping[str, Subject], *, options: Namespace) -> dict[str, Any]:
    """Return what each does best, `options` saying how many jobs and rounds."""
    trials = {name: _trials(one, most=options.jobs) for name, one in subjects.items()}
    best = {name: max(found, key=lambda tuning: found[tuning]) for name, found in trials.items()}
    counts = {name: _count(trials[name][best[name]], most=options.jobs) for name in subjects}
    figures: dict[str, Any] = {
        "subjects": {
            name: _about(one, trials=trials[name], tuning=best[name], jobs=counts[name])
            for name, one in subjects.items()
        }
    }
    for processes in options.processes:
        figures[f"drain_{processes}"] = _in_turn(
            {
                name: partial(one.drain, counts[name], tuning=best[name], processes=processes)
                for name, one in subjects.items()
            },
            what=f"drain by {processes}",
            runs=options.runs,
        )
    figures["enqueue"] = _in_turn(
        {name: partial(one.enqueue, options.count) for name, one in subjects.items()},
        what="enqueue one at a time",
        runs=options.runs,
    )
    figures["enqueue_many"] = _enqueue_many(subjects, options=options)
    figures["latency"] = _latencies(subjects, options=options)
    return figures


def table_of_comparison(found: Mapping[str, Any]) -> list[Sequence[Cell]]:
    """Return a row for each system, and a column for each kind of work."""
    works = [name for name in found if name not in ("subjects", "latency", "absent")]
    pickups = ("first", *(f"p{percent}" for percent in PERCENTS))
    rows: list[Sequence[Cell]] = [("", *works, *(f"pickup {one}" for one in pickups))]
    for name in found["subjects"]:
        rates = [found[work][name]["jobs_per_second"] for work in works]
        late = [found["latency"][name][f"{one}_ms"] for one in pickups]
        rows.append((name, *rates, *late))
    return rows


def _about(
    subject: Subject, *, trials: Mapping[int, float], tuning: int, jobs: int
) -> dict[str, object]:
    return {
        "versions": subject.versions,
        "tuned": subject.tuned,
        "tuning": tuning,
        "trials": {str(tried): round(rate) for tried, rate in trials.items()},
        "jobs": jobs,
    }


def _trials(subject: Subject, *, most: int) -> dict[int, float]:
    """Return the jobs per second of each tuning."""
    found = dict.fromkeys(subject.tunings, 0.0)
    for _ in range(TRIES if len(found) > 1 else 1):
        for tuning in found:
            rate = trial(partial(subject.drain, tuning=tuning), most=most)
            found[tuning] = max(rate, found[tuning])
            progress(f"{subject.name}, {subject.tuned} {tuning}: {rate:,.0f} jobs/s")
    return found


def trial(measure: Callable[[int], float], *, most: int) -> float:
    """Return the jobs per second of so many that they take long enough, `most` at most."""
    count = min(TRIAL, most)
    rate = measure(count)
    while count < most and 2 * count < rate * TRIAL_SECONDS:
        count = min(most, round(rate * TRIAL_SECONDS))
        rate = measure(count)
    return rate


def _count(rate: float, *, most: int) -> int:
    return min(most, max(TRIAL, round(rate * DRAIN_SECONDS)))


def _in_turn(
    subjects: Mapping[str, Callable[[], float]], *, what: str, runs: int
) -> dict[str, dict[str, object]]:
    progress(what)
    return as_figures(in_turn(subjects, runs=runs), reference=OURS)


def _enqueue_many(
    subjects: Mapping[str, Subject], *, options: Namespace
) -> dict[str, dict[str, object]]:
    counts = {
        name: _count(trial(one.enqueue_many, most=options.bulk), most=options.bulk)
        for name, one in subjects.items()
    }
    measures = {name: partial(one.enqueue_many, counts[name]) for name, one in subjects.items()}
    return _in_turn(measures, what="enqueue many", runs=options.runs)


def _latencies(
    subjects: Mapping[str, Subject], *, options: Namespace
) -> dict[str, dict[str, object]]:
    """Return what pickups take in milliseconds, the first of a round apart."""
    rounds: dict[str, list[Pickups]] = {name: [] for name in subjects}
    for number in range(1, options.runs + 1):
        for name, one in subjects.items():
            found = one.latency(options.pickups)
            rounds[name].append(found)
            told = f"p50 {percentile(found.others, 50):.2f} ms"
            progress(f"run {number} of {options.runs}, pickup, {name}: {told}")
    return {name: _pickups(found, beside=rounds[OURS]) for name, found in rounds.items()}


def _pickups(rounds: Sequence[Pickups], *, beside: Sequence[Pickups]) -> dict[str, object]:
    """Return percentiles of all rounds together and of each, and the median of what each round
    gives beside those.
    """
    together = [one for found in rounds for one in found.others]
    figures: dict[str, object] = {
        "count": len(together),
        "first_ms": round(median(found.first for found in rounds), 2),
    }
    for percent in PERCENTS:
        mine, theirs = (
            [percentile(found.others, percent) for found in some] for some in (rounds, beside)
        )
        figures[f"p{percent}_ms"] = round(percentile(together, percent), 2)
        figures[f"p{percent}_runs"] = [round(one, 2) for one in mine]
        ratios = (one / other for one, other in zip(mine, theirs, strict=True))
        figures[f"p{percent}_ratio"] = round(median(ratios), 3)
    return figures
