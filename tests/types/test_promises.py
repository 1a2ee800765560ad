"""What type checkers say of the sites in `modules`: the errors that a comment names, and no other.

    send.enqueue(usr_id=1)  # error: call-arg reportCallIssue

is a line in which mypy must find the one, and pyright the other; `-` is for one that finds nothing.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import checkers

MODULES = Path(__file__).parent / "modules"
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
        lines = checkers.mypy("--no-pretty", str(MODULES)).splitlines()

        found = [match for line in lines if (match := MYPY_ERROR.match(line))]
        assert_as_expected(
            ((Place(Path(at["file"]).name, int(at["line"])), at["code"]) for at in found),
            checker="mypy",
        )

    def test_pyright_finds_what_is_wrong_and_nothing_else(self) -> None:
        output = checkers.pyright("--outputjson", str(MODULES))

        found = json.loads(output)["generalDiagnostics"]
        assert_as_expected(
            (
                (Place(Path(at["file"]).name, at["range"]["start"]["line"] + 1), at.get("rule"))
                for at in found
            ),
            checker="pyright",
        )
