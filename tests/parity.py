"""Whether each promise of docs/parity.md is kept: `python -m tests.parity` runs the tests that its
rows name, on SQLite and on PostgreSQL.
"""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from .proofs import ROOT, named_in, rows_of, unproved

#: How many promises each section makes.
PROMISES = {
    1: 14,
    2: 8,
    3: 12,
    4: 5,
    5: 6,
    6: 5,
    7: 14,
    8: 8,
    9: 1,
    10: 5,
    11: 2,
    12: 3,
    13: 2,
    14: 1,
    15: 2,
}
NOT_YET = "not yet: "
_OUTCOMES = "JOBQUEUE_PARITY_OUTCOMES"

Test = tuple[str, str]  #: path and function


def document() -> str:
    return (ROOT / "docs/parity.md").read_text()


def promised() -> list[str]:
    return [f"{one}.{item}" for one, items in PROMISES.items() for item in range(1, items + 1)]


def faulty(text: str) -> list[str]:
    """What is wrong with the document itself; what is not built yet is no fault of it."""
    rows = rows_of(text, number=r"\d+\.\d+")
    numbers = [number for number, _ in rows]
    wrong = [f"{number}: missing" for number in promised() if number not in numbers]
    wrong += [f"{number}: not promised" for number in numbers if number not in promised()]
    wrong += [f"{number}: twice" for number in sorted({*numbers}) if numbers.count(number) > 1]
    return wrong + [
        told for number, cells in rows for told in unproved(number, cells, excuses=(NOT_YET,))
    ]


def broken(text: str, outcomes: Iterable[dict[Test, str]]) -> list[str]:
    """What is promised and not kept: a row that waits for something, a test that did not pass on
    any database, or failed on one.
    """
    told: list[str] = []
    runs = list(outcomes)
    for number, cells in rows_of(text, number=r"\d+\.\d+"):
        if NOT_YET in cells:
            told.append(f"{number}: not yet: {cells.split(NOT_YET)[1].strip()}")
        for test in named_in(cells):
            seen = {run[test] for run in runs if test in run}
            if seen != {"passed"}:
                told.append(
                    f"{number}: {test[1]} {'failed' if 'failed' in seen else 'did not run'}"
                )
    return told


class Named:
    """A pytest plugin: runs the tests of `wanted` alone, and writes down what came of them."""

    def __init__(self, wanted: set[Test], written_to: Path) -> None:
        self._wanted, self._written_to = wanted, written_to
        self._tests: dict[str, Test] = {}
        self._outcomes: dict[Test, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self._note(item) in self._wanted]

    def _note(self, item: pytest.Item) -> Test:
        # An attribute of pytest.Function, which Item is not; what decorates it is elsewhere.
        function = inspect.unwrap(getattr(item, "function"))  # noqa: B009
        path = Path(function.__code__.co_filename).relative_to(ROOT).as_posix()
        self._tests[item.nodeid] = (path, function.__name__)
        return self._tests[item.nodeid]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = self._tests[report.nodeid]
        if report.failed:
            self._outcomes[test] = "failed"
        elif report.when == "call" and report.passed:
            self._outcomes.setdefault(test, "passed")

    def pytest_sessionfinish(self) -> None:
        told = [[*test, outcome] for test, outcome in self._outcomes.items()]
        self._written_to.write_text(json.dumps(told))


def run_named() -> int:
    """Run the named tests on the database of this process."""
    wanted = {
        test for _, cells in rows_of(document(), number=r"\d+\.\d+") for test in named_in(cells)
    }
    return int(pytest.main(["-q"], plugins=[Named(wanted, Path(os.environ[_OUTCOMES]))]))


def outcomes_on(*command: str, **environment: str) -> dict[Test, str]:
    with tempfile.TemporaryDirectory() as folder:
        written_to = Path(folder) / "outcomes.json"
        subprocess.run(
            [*command, sys.executable, "-m", "tests.parity", "run"],
            cwd=ROOT,
            env={**os.environ, **environment, _OUTCOMES: str(written_to)},
            check=False,
        )
        told = json.loads(written_to.read_text())
    return {(path, name): outcome for path, name, outcome in told}


def main() -> int:
    text = document()
    told = faulty(text)
    if not told:
        on_postgresql = outcomes_on(sys.executable, "-m", "tests.postgresql_server")
        told = broken(text, [outcomes_on(DATABASE_URL=""), on_postgresql])
    sys.stdout.write(
        "\n".join([*told, f"{len(told)} of {len(promised())} promises not kept"]) + "\n"
    )
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(run_named() if sys.argv[1:] == ["run"] else main())
