"""What type checkers say of the sites in `modules`: the errors that a comment names, and no other.

    send.enqueue(usr_id=1)  # error: call-arg reportCallIssue

is a line in which mypy must find the one, and pyright the other; `-` is for one that finds nothing.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "tests" / "types" / "modules"
EXPECTED = re.compile(r"# error: (?P<mypy>[a-z-]+) (?P<pyright>[A-Za-z-]+)$")
MYPY_ERROR = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$")


@dataclass(frozen=True, order=True)
class Place:
    """A line of one of the modules."""

    module: str
    line: int


def expected_of(checker: str) -> dict[Place, str]:
    return {
        Place(module.name, number): found[checker]
        for module in MODULES.glob("*.py")
        for number, line in enumerate(module.read_text().splitlines(), start=1)
        if (found := EXPECTED.search(line)) and found[checker] != "-"
    }


def output_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command, str(MODULES)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def assert_as_expected(found: Iterable[tuple[Place, str]], *, checker: str) -> None:
    """A mistake may have more than one error, of which the comment names the telling one."""
    codes: dict[Place, set[str]] = defaultdict(set)
    for place, code in found:
        codes[place].add(code)
    expected = expected_of(checker)
    assert sorted(codes) == sorted(expected)
    assert [place for place, code in expected.items() if code not in codes[place]] == []


@pytest.mark.timeout(600)  # where nothing is cached, Django and its stubs are read as well
class TestSitesOfTypedUsers:
    def test_mypy_finds_what_is_wrong_and_nothing_else(self) -> None:
        lines = output_of("mypy", "--no-pretty").splitlines()

        found = [match for line in lines if (match := MYPY_ERROR.match(line))]
        assert_as_expected(
            ((Place(Path(at["file"]).name, int(at["line"])), at["code"]) for at in found),
            checker="mypy",
        )

    def test_pyright_finds_what_is_wrong_and_nothing_else(self) -> None:
        output = output_of("pyright", "--outputjson", "--pythonpath", sys.executable)

        found = json.loads(output)["generalDiagnostics"]
        assert_as_expected(
            (
                (Place(Path(at["file"]).name, at["range"]["start"]["line"] + 1), at.get("rule"))
                for at in found
            ),
            checker="pyright",
        )
