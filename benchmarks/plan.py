"""`python -m benchmarks all`: every benchmark that the document needs, one after another."""

import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from django_jobqueue.core.clock import monotonic
from tests import networks

from .children import ROOT
from .document.results import RESULTS, keep, kept_results
from .document.writing import DOCS, write
from .ending import requests_held_back
from .environments import missing
from .report import progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A result, the command that makes it, and what is said besides where there is little time."""

    name: str
    command: str
    quick: str


PLAN = (
    Measurement(name="drain", command="drain --runs 5", quick="--runs 3"),
    Measurement(
        name="drain-two", command="drain --processes 2 --jobs 100000 --runs 5", quick="--runs 3"
    ),
    Measurement(name="scale", command="scale", quick="--runs 2"),
    Measurement(name="hosts", command="hosts", quick="--runs 2"),
    Measurement(
        name="backlog",
        command="backlog --runs 5",
        quick="--sizes 1000 10000 100000 1000000 --runs 2",
    ),
    Measurement(name="bloat", command="bloat --runs 5", quick="--runs 2"),
    Measurement(name="mixed", command="mixed", quick="--runs 3"),
    Measurement(name="io", command="io", quick="--runs 3"),
    Measurement(name="orm", command="orm", quick="--jobs 5000 --runs 3"),
    Measurement(name="observed", command="observed", quick="--runs 3"),
    Measurement(name="enqueue", command="enqueue --runs 11", quick="--runs 3"),
    Measurement(name="latency", command="latency", quick="--count 100"),
    Measurement(name="latency-sqlite", command="latency --database sqlite", quick="--count 100"),
    Measurement(name="idle", command="idle", quick="--seconds 30"),
    Measurement(name="resident", command="resident", quick="--jobs 300000"),
    Measurement(name="cost", command="cost", quick="--runs 2"),
    Measurement(
        name="sqlite", command="sqlite --runs 5", quick="--jobs 20000 --pickups 100 --runs 2"
    ),
    Measurement(
        name="pgqueuer",
        command="peers --only django_jobqueue pgqueuer --runs 5 --pickups 800",
        quick="--pickups 100 --runs 2",
    ),
    Measurement(name="peers", command="peers", quick="--pickups 100 --runs 2"),
)


def run_all(
    options: Namespace,
    *,
    plan: Sequence[Measurement] = PLAN,
    results: Path = RESULTS,
    docs: Path = DOCS,
) -> int:
    """Measure, keep each result as soon as it is there, and make the document; return 1 if any
    failed.

    What fails keeps the result it had before, and the others go on.
    """
    failed = []
    measurements = [one for one in plan if not options.only or one.name in options.only]
    for warning in warnings_about(measurements, newer_python=options.newer_python):
        progress(warning)
    for measurement in measurements:
        arguments = arguments_of(measurement, options)
        progress(f"== {measurement.name}: python -m benchmarks {' '.join(arguments)}")
        began = monotonic()
        printed = _printed_by([sys.executable, "-m", "benchmarks", *arguments, "--json"])
        if printed is None:
            failed.append(measurement.name)
            continue
        keep(measurement.name, printed, folder=results)
        progress(f"== {measurement.name}: done in {monotonic() - began:.0f} s")
    write(kept_results(results), folder=docs)
    if failed:
        progress(f"failed: {', '.join(failed)}")
    return int(bool(failed))


def warnings_about(plan: Sequence[Measurement], *, newer_python: str | None) -> Iterator[str]:
    """Yield what cannot be measured because something is not on this machine."""
    names = {measurement.name for measurement in plan}
    if "hosts" in names and (reason := networks.refusal()):
        yield f"hosts will fail: {reason}"
    if "peers" in names:
        for reason in missing(newer=newer_python):
            yield f"peers will leave a system out: {reason}"


def _printed_by(command: Sequence[str]) -> str | None:
    """Return what the command printed, or None if it failed."""
    with ExitStack() as stack:
        with requests_held_back():
            process = stack.enter_context(
                subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            )
            # Not killed: it has a server and workers of its own to end.
            stack.callback(process.terminate)
        printed, _ = process.communicate()
    return None if process.returncode else printed


def arguments_of(measurement: Measurement, options: Namespace) -> list[str]:
    """Return the command line of `python -m benchmarks` that makes this result."""
    arguments = measurement.command.split()
    if options.quick:
        arguments += measurement.quick.split()
    if measurement.name == "peers" and options.newer_python:
        arguments += ["--newer-python", options.newer_python]
    return arguments
