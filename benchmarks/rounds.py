"""Subjects that are measured in turn, round after round, so that a slow minute meets them all."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from .report import Cell, progress

#: Jobs per second of each subject, a value for each round.
Rates = Mapping[str, Sequence[float]]


def in_turn(subjects: Mapping[str, Callable[[], float]], *, runs: int) -> Rates:
    """Ask each subject for its jobs per second, `runs` times in turn."""
    rates: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(1, runs + 1):
        for name, measure in subjects.items():
            rates[name].append(measure())
            progress(f"run {number} of {runs}, {name}: {rates[name][-1]:,.0f} jobs/s")
    return rates


def ratio(rates: Rates, name: str, *, to: str) -> float:
    """Return the median of what each round gives: the two were measured side by side there."""
    return median(ours / theirs for ours, theirs in zip(rates[name], rates[to], strict=True))


def as_figures(rates: Rates, *, reference: str) -> dict[str, dict[str, object]]:
    """Return the median, the ratio to the reference and the rounds of each subject."""
    return {
        name: {
            "jobs_per_second": round(median(found)),
            "ratio": round(ratio(rates, name, to=reference), 3),
            "runs": [round(one) for one in found],
        }
        for name, found in rates.items()
    }


def as_table(rates: Rates, *, reference: str) -> list[Sequence[Cell]]:
    """Return a row for each subject."""
    return [
        ("", "jobs/s", f"of {reference}", "least", "most"),
        *(
            (
                name,
                round(median(found)),
                ratio(rates, name, to=reference),
                round(min(found)),
                round(max(found)),
            )
            for name, found in rates.items()
        ),
    ]
