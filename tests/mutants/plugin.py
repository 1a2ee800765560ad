"""The run itself, as a pytest plugin: the tests once, then those that reach a mutant for each.

A mutant is tried in a fork of this process, on a fresh copy of the database, so that it costs the
tests that reach it and little else. What shows only when a module is imported cannot be tried
here; `fresh.py` has it.
"""

import gc
import json
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate, islice, pairwise
from math import inf
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from . import quick  # noqa: F401  (its profile)
from .databases import Snapshot
from .forks import KILLED, SURVIVED, verdict_of_fork
from .mutant import AT_IMPORT, UNREACHED, Mutant
from .output import say
from .planting import functions_by_place, plant
from .selection import CALL, IMPORT, Selection
from .tracing import Reached

#: A test that takes so many times as long as before, and a moment more, does not end. On a busy
#: machine it may still come to run: the moment is short for work only.
PATIENCE, WORKING, WAITING = 5, 3.0, 8.0
#: What any test takes at least, in seconds.
MOMENT = 0.05
#: How many of the tests that killed last are tried first.
MEMORY = 10
#: More tests that fail without a fault are no coincidence.
FEW = 5
#: No test run takes that long.
WHOLE_SECONDS = 3600.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutants", help="the packages, with commas")
    parser.addoption("--mutants-report", help="the file for what became of them")
    parser.addoption(
        "--mutants-only", action="append", default=[], help="those with this text in their name"
    )
    parser.addoption("--mutants-seconds", type=float, default=inf, help="of tests for each")
    parser.addoption("--mutants-new", action="store_true", help="those of the list are left out")
    parser.addoption("--mutants-shows", choices=[IMPORT, CALL], help="those that show then")
    parser.addoption(
        "--mutants-after", help="a report of another database: what it has killed is not tried"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    if not session.config.option.collectonly:
        Run(session).run()
    return True


class _Session:
    """The test that is nowhere in particular."""

    def __init__(self, session: pytest.Session) -> None:
        self.session = session

    def listchain(self) -> list[pytest.Session]:
        return [self.session]


class Run:
    def __init__(self, session: pytest.Session) -> None:
        from django.db import connection

        option = session.config.option
        other = "postgresql" if connection.vendor == "sqlite" else "sqlite"
        self.items = session.items
        self.vendor = connection.vendor
        self.most_seconds = option.mutants_seconds
        self.report = Path(option.mutants_report)
        self.before = Path(option.mutants_after) if option.mutants_after else None
        selection = Selection(
            only=option.mutants_only, is_new=option.mutants_new, shows=option.mutants_shows
        )
        chosen = selection.of(option.mutants.split(","))
        self.mutants = [mutant for mutant in chosen if not mutant.is_for(other)]
        self.reached = Reached()
        self.seconds: dict[int, float] = {}
        self.killers: dict[str, list[int]] = defaultdict(list)  #: by scope and by file
        self.unchecked: set[int] = set()  #: killers since they were last seen to pass
        self.killed_by: dict[str, int] = {}
        self.verdicts: dict[str, str] = {}

    def run(self) -> None:
        from django.db import connection

        of_the_site = connection.settings_dict["NAME"]
        self.trace()
        if connection.settings_dict["NAME"] == of_the_site:
            # What is restored before each mutant would be the database of the settings.
            raise pytest.UsageError("none of these tests takes a database: add one with --tests")
        with Snapshot() as self.snapshot:
            self.functions = functions_by_place()
            gc.collect()
            gc.freeze()
            self.snapshot.restore()
            self.leave_out_what_fails_in_a_fork()
            for number, mutant in enumerate(self.todo()):
                self.judge(mutant)
                if number % 50 == 49:
                    say(f"{self.vendor}: {number + 1} of {len(self.mutants)}")
                    self.check_killers()
            self.check_killers()
        self.write()

    def judge(self, mutant: Mutant) -> None:
        verdict = self.verdicts[mutant.name] = self.try_out(mutant)
        if verdict in (SURVIVED, UNREACHED):
            say(f"{self.vendor}: {verdict}: {mutant.name}")

    def todo(self) -> Iterator[Mutant]:
        """What this database alone runs, then what the other one, if there is one, let live."""
        yield from (mutant for mutant in self.mutants if mutant.is_for(self.vendor))
        shared = [mutant for mutant in self.mutants if not mutant.is_for(self.vendor)]
        if self.before is not None and shared:
            verdicts = self.verdicts_of_other(self.before)
            shared = [one for one in shared if verdicts[one.name] in (SURVIVED, UNREACHED)]
        yield from shared

    def verdicts_of_other(self, report: Path) -> dict[str, str]:
        """Wait for the report; whoever has started both runs ends this one if it never comes."""
        while not report.exists():
            threading.Event().wait(0.5)
        verdicts: dict[str, str] = json.loads(report.read_text())["verdicts"]
        return verdicts

    def trace(self) -> None:
        for number, following in pairwise([*range(len(self.items)), None]):
            item, began = self.items[number], time.monotonic()
            with self.reached.by(number):
                reports = self.reports_of(item, before=following)
            if any(report.failed for report in reports):
                say(f"fails without a mutant, left out: {item.nodeid}")
            else:
                self.seconds[number] = time.monotonic() - began
        say(f"traced {len(self.seconds)} tests in {sum(self.seconds.values()):.0f} s")

    def reports_of(self, item: pytest.Item, *, before: int | None) -> list[pytest.TestReport]:
        # What lasts for the session lasts for the forks, and nothing of a folder does.
        following = _Session(item.session) if before is None else self.items[before]
        return runtestprotocol(item, nextitem=following, log=False)

    def leave_out_what_fails_in_a_fork(self) -> None:
        """Without a fault, every test has to pass there, or it would kill whatever it meets."""
        verdict, failed = verdict_of_fork(
            lambda: list(self.failures(list(self.seconds))),
            seconds=WHOLE_SECONDS,
        )
        if verdict not in (SURVIVED, KILLED):
            raise RuntimeError(f"without a mutant, the tests do not pass in a fork: {verdict}")
        for number in failed:
            say(f"fails in a fork, left out: {self.items[number].nodeid}")
            del self.seconds[number]
        self.snapshot.restore()

    def check_killers(self) -> None:
        """Without a fault they must pass. One that does not is left out, and what it has killed
        since is tried again.
        """
        recent = sorted(self.unchecked & self.seconds.keys())
        verdict, failed = verdict_of_fork(
            lambda: list(self.failures(recent)), seconds=WHOLE_SECONDS
        )
        if verdict not in (SURVIVED, KILLED) or len(failed) > FEW:
            names = [self.items[number].nodeid for number in failed]
            raise RuntimeError(f"{verdict} without any mutant: {names}")
        self.unchecked.clear()
        if not failed:
            return
        self.snapshot.restore()
        for number in failed:
            say(f"fails now and then, left out: {self.items[number].nodeid}")
            del self.seconds[number]
        for mutant in self.mutants:
            if self.killed_by.get(mutant.name) in failed:
                self.judge(mutant)
        self.check_killers()

    def failures(self, tests: list[int]) -> Iterator[int]:
        for number, following in pairwise([*tests, None]):
            usual = self.seconds[number] * PATIENCE
            signal.setitimer(signal.ITIMER_PROF, usual + WORKING)
            signal.setitimer(signal.ITIMER_REAL, usual + WAITING)
            reports = self.reports_of(self.items[number], before=following)
            if any(report.failed for report in reports):
                yield number

    def try_out(self, mutant: Mutant) -> str:
        if mutant.at_import:
            return AT_IMPORT
        tests = self.tests_of(mutant)
        if not tests:
            return UNREACHED

        def attempt() -> list[int]:
            plant(mutant, functions=self.functions)
            return list(islice(self.failures(tests), 1))

        verdict, killers = verdict_of_fork(
            attempt, seconds=sum(self.seconds[n] for n in tests) * PATIENCE + 100
        )
        if verdict not in (SURVIVED, KILLED):  # a test that failed has tidied up after itself
            self.snapshot.restore()
        for killer in killers:
            self.killed_by[mutant.name] = killer
            self.unchecked.add(killer)
            for place in (mutant.place, mutant.file):
                self.killers[place] = [*dict.fromkeys([killer, *self.killers[place]])][:MEMORY]
        return verdict

    def tests_of(self, mutant: Mutant) -> list[int]:
        if mutant.statement is not None:
            tests = set(self.reached.statements[mutant.statement])
        else:
            tests = set()
            for line in range(mutant.line, mutant.last_line + 1):
                tests |= self.reached.of_line(mutant.file, line)
        tests &= self.seconds.keys()
        here, near = self.killers[mutant.place], self.killers[mutant.file]
        lines = self.reached.lines_of(mutant.file)
        mirror, own = f"tests/{mutant.package}/", f"/test_{mutant.path.stem}.py"
        ordered = sorted(
            tests,
            key=lambda number: (
                number not in here,
                own not in self.items[number].nodeid,
                number not in near,
                not self.items[number].nodeid.startswith(mirror),
                # What runs much of a file in little time is about it.
                (self.seconds[number] + MOMENT) / (1 + lines[number]),
            ),
        )
        spent = accumulate((self.seconds[number] for number in ordered), initial=0.0)
        return [
            number
            for number, before in zip(ordered, spent, strict=False)
            if before <= self.most_seconds
        ]

    def write(self) -> None:
        files = {mutant.file for mutant in self.mutants}
        report = {
            "verdicts": self.verdicts,
            "reaching": {file: self.reaching(file) for file in files},
            "left_out": [
                item.nodeid for number, item in enumerate(self.items) if number not in self.seconds
            ],
        }
        unfinished = self.report.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(report, indent=1, ensure_ascii=False))
        unfinished.rename(self.report)

    def reaching(self, file: str) -> list[str]:
        """The test files that run any of this file, those with most such tests first."""
        tests = (self.items[number] for number in self.reached.lines_of(file))
        counted = Counter(item.nodeid.partition("::")[0] for item in tests)
        mirror = f"tests/{file.partition('/')[0]}/"
        return sorted(counted, key=lambda path: (not path.startswith(mirror), -counted[path]))
