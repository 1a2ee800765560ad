"""The two halves of a run: in forks, one pytest per database, then in fresh interpreters."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .forks import DIED, KILLED, SURVIVED, TIMED_OUT
from .fresh import import_tools, verdict_in_fresh_interpreter
from .mutant import AT_IMPORT, UNREACHED, Mutant
from .output import say
from .selection import Selection

ROOT = Path(__file__).resolve().parent.parent.parent
#: Whose tests judge a package: its own, and for the store those of what enqueues with it.
TESTS = {"core": ("core",), "service": ("service",), "store": ("store", "jobs")}
#: The verdicts on a mutant that somebody noticed.
ENDED = (KILLED, DIED, TIMED_OUT)
#: Most mutants fail their test, and what waits for what must happen waits in vain.
SHORT_PATIENCE = {"JOBQUEUE_PATIENCE": "3"}
#: Tests of defaults, and of words that are stored or read by others, where a package has them.
DECLARED = ("test_defaults.py", "test_stored_words.py")
#: Of one database: `verdicts` by name, `reaching` test files by file, `left_out` tests.
Report = dict[str, Any]


class RunFailed(Exception):
    """Nothing can be said of the mutants: the tests fail without one."""


def reports_of_forks(
    mutants: Sequence[Mutant],
    *,
    selection: Selection,
    at_most: float,
    tests: Sequence[str] = (),
    urls: Mapping[str, str],
    folder: Path,
) -> dict[str, Report]:
    """Run one pytest per database, side by side; raises RunFailed.

    What SQLite's tests kill is not tried on PostgreSQL: it waits for them when it has done its own.
    """
    if all(one.at_import for one in mutants):
        return _reports_without_forks(mutants, urls)
    packages = dict.fromkeys(one.package for one in mutants)
    runs: dict[str, subprocess.Popen[bytes]] = {}
    for vendor, url in urls.items():
        here = [package for package in packages if vendor == "sqlite" or package == "store"]
        folders = dict.fromkeys(f"tests/{one}" for package in here for one in TESTS[package])
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:randomly"]
        command += ["-p", "tests.mutants.plugin", "--mutants", ",".join(here)]
        command += ["--mutants-report", str(folder / vendor), *(tests or folders)]
        command += [*selection.options(), f"--mutants-seconds={at_most}"]
        command += [f"--mutants-after={folder / before}" for before in runs]
        environment = {**os.environ, **SHORT_PATIENCE, "DATABASE_URL": url}
        runs[vendor] = subprocess.Popen(command, cwd=ROOT, env=environment)
    for vendor, run in runs.items():
        if run.wait():
            for other in runs.values():
                other.terminate()
            raise RunFailed(f"the run on {vendor} did not come to its end")
    return {vendor: json.loads((folder / vendor).read_text()) for vendor in runs}


def _reports_without_forks(mutants: Sequence[Mutant], urls: Mapping[str, str]) -> dict[str, Report]:
    """Where everything shows at import, no fork has anything to say."""
    verdicts = dict.fromkeys((one.name for one in mutants), AT_IMPORT)
    return {vendor: {"verdicts": verdicts, "reaching": {}, "left_out": []} for vendor in urls}


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
    tests: Sequence[str] = (),
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
    interpreters = FreshInterpreters(reports=reports, tests=tests, urls=urls)
    decided: dict[str, str] = {}
    for number, mutant in enumerate(todo, start=1):
        decided[mutant.name] = verdict = interpreters.verdict(mutant)
        if verdict == SURVIVED:
            say(f"at import: {verdict}: {mutant.name}")
        if number % 50 == 0:
            say(f"at import: {number} of {len(todo)}")
    return decided


class FreshInterpreters:
    """Tries what shows at import: with the few tests that are nearest, then with all of them."""

    def __init__(
        self, *, reports: Mapping[str, Report], tests: Sequence[str], urls: Mapping[str, str]
    ) -> None:
        self._reports = reports
        self._tests = tests
        self._urls = urls
        self._passed: set[tuple[str, ...]] = set()

    def verdict(self, mutant: Mutant) -> str:
        """Raises RunFailed if the tests fail without it."""
        for vendor, tests in trials_of(mutant, reports=self._reports, tests=self._tests):
            if (vendor, *tests) not in self._passed:
                if (without := self._run(None, vendor=vendor, tests=tests)) != SURVIVED:
                    raise RunFailed(f"{without} on {vendor} without any mutant: {' '.join(tests)}")
                self._passed.add((vendor, *tests))
            if (verdict := self._run(mutant, vendor=vendor, tests=tests)) != SURVIVED:
                return verdict
        return SURVIVED

    def _run(self, mutant: Mutant | None, *, vendor: str, tests: Sequence[str]) -> str:
        return verdict_in_fresh_interpreter(
            mutant,
            tests=tests,
            left_out=self._reports[vendor]["left_out"],
            environment={**SHORT_PATIENCE, "DATABASE_URL": self._urls[vendor]},
        )


def trials_of(
    mutant: Mutant, *, reports: Mapping[str, Report], tests: Sequence[str] = ()
) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield databases and test files, the most promising first; `tests` stand in for all of them.

    What only the store has, and both databases run, is tried on each.
    """
    vendors = [one for one in reports if mutant.is_for(one)] or list(reports)
    for vendor in vendors if mutant.package == "store" else vendors[:1]:
        if not tests and (near := _near(mutant)):
            yield vendor, near
        reaching = reports[vendor]["reaching"].get(mutant.file)
        yield vendor, tests or reaching or [f"tests/{one}" for one in TESTS[mutant.package]]


def _near(mutant: Mutant) -> list[str]:
    """Those of its module, and those of what is declared."""
    folder = Path("tests", mutant.package)
    names = (f"test_{mutant.path.stem}.py", *DECLARED)
    return [str(folder / name) for name in names if (ROOT / folder / name).exists()]
