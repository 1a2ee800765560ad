"""The two halves of a run: in forks, one pytest per database, then in fresh interpreters."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .forks import DIED, KILLED, SURVIVED, TIMED_OUT
from .fresh import import_tools, verdict_in_fresh_interpreter
from .mutant import AT_IMPORT, UNREACHED, Mutant
from .output import say

ROOT = Path(__file__).resolve().parent.parent.parent
#: Whose tests judge a package: its own, and for the store those of what enqueues with it.
TESTS = {"core": ("core",), "service": ("service",), "store": ("store", "jobs")}
#: The verdicts on a mutant that somebody noticed.
ENDED = (KILLED, DIED, TIMED_OUT)
#: Most mutants fail their test, and what waits for what must happen waits in vain.
SHORT_PATIENCE = {"JOBQUEUE_PATIENCE": "3"}
#: Of one database: `verdicts` by name, `reaching` test files by file, `left_out` tests.
Report = dict[str, Any]


class RunFailed(Exception):
    """Nothing can be said of the mutants: the tests fail without one."""


def reports_of_forks(
    packages: Sequence[str],
    *,
    only: Sequence[str],
    is_new: bool,
    at_most: float,
    urls: Mapping[str, str],
    folder: Path,
) -> dict[str, Report]:
    """Run one pytest per database, side by side; raises RunFailed.

    What SQLite's tests kill is not tried on PostgreSQL: it waits for them when it has done its own.
    """
    runs: dict[str, subprocess.Popen[bytes]] = {}
    for vendor, url in urls.items():
        here = [package for package in packages if vendor == "sqlite" or package == "store"]
        tests = dict.fromkeys(f"tests/{one}" for package in here for one in TESTS[package])
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:randomly"]
        command += ["-p", "tests.mutants.plugin", "--mutants", ",".join(here)]
        command += ["--mutants-report", str(folder / vendor), *tests]
        command += [f"--mutants-only={text}" for text in only]
        command += ["--mutants-new"] * is_new + [f"--mutants-seconds={at_most}"]
        command += [f"--mutants-after={folder / before}" for before in runs]
        environment = {**os.environ, **SHORT_PATIENCE, "DATABASE_URL": url}
        runs[vendor] = subprocess.Popen(command, cwd=ROOT, env=environment)
    for vendor, run in runs.items():
        if run.wait():
            for other in runs.values():
                other.terminate()
            raise RunFailed(f"the run on {vendor} did not come to its end")
    return {vendor: json.loads((folder / vendor).read_text()) for vendor in runs}


def merged(reports: Mapping[str, Report]) -> dict[str, str]:
    """The verdicts by name; what both databases run is killed if it is killed on either."""
    verdicts: dict[str, str] = {}
    for report in reports.values():
        for name, verdict in report["verdicts"].items():
            if verdicts.get(name) not in ENDED:
                verdicts[name] = verdict
    return verdicts


def verdicts_of_fresh_interpreters(
    mutants: Sequence[Mutant],
    verdicts: Mapping[str, str],
    *,
    reports: Mapping[str, Report],
    urls: Mapping[str, str],
) -> dict[str, str]:
    """Decide on what shows only at import, and on what no test was seen to reach: it may be run by
    an import. Raises RunFailed.
    """
    import_tools()
    todo = [
        mutant
        for mutant in mutants
        if mutant.statement is None and verdicts[mutant.name] in (AT_IMPORT, UNREACHED)
    ]
    decided: dict[str, str] = {}
    for mutant in [None, *todo] if todo else []:
        vendor = "postgresql" if mutant is not None and mutant.is_for("postgresql") else "sqlite"
        verdict = verdict_in_fresh_interpreter(
            mutant,
            tests=_tests_of(mutant, reports[vendor]),
            left_out=reports[vendor]["left_out"],
            environment={**SHORT_PATIENCE, "DATABASE_URL": urls[vendor]},
        )
        if mutant is not None:
            decided[mutant.name] = verdict
            if verdict == SURVIVED:
                say(f"at import: {verdict}: {mutant.name}")
        elif verdict != SURVIVED:
            raise RunFailed(f"without a mutant, a fresh interpreter ends as: {verdict}")
    return decided


def _tests_of(mutant: Mutant | None, report: Report) -> list[str]:
    if mutant is None:
        return ["tests/core"]
    reaching = report["reaching"].get(mutant.file)
    return reaching or [f"tests/{folder}" for folder in TESTS[mutant.package]]
