"""What docs/faults.md calls proved has a test, and no fault is left out."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FAULTS = range(1, 73)
_ROW = re.compile(r"^\| (\d+) \|(.*)\|$", re.MULTILINE)
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_EXCUSES = ("not yet: ", "held by design: ")


def rows_of(text: str) -> list[tuple[int, str]]:
    return [(int(number), cells) for number, cells in _ROW.findall(text)]


def functions_of(path: str) -> set[str]:
    """The names of all test functions of a module, in classes too; none where it is not there."""
    file = ROOT / path
    if not file.exists():
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions))
    return {node.name for node in found if node.name.startswith("test_")}


def faulty(text: str) -> list[str]:
    """Everything that is wrong with the document."""
    rows = rows_of(text)
    wrong = [] if [number for number, _ in rows] == list(FAULTS) else ["numbers"]
    for number, cells in rows:
        named = _NAMED.findall(cells)
        wrong += [f"{number}: {name}" for path, name in named if name not in functions_of(path)]
        if not named and not any(excuse in cells for excuse in _EXCUSES):
            wrong.append(f"{number}: neither a test nor a reason")
        if cells.count("::") != len(named):
            wrong.append(f"{number}: a test that is not written as `path::name`")
    return wrong


def document() -> str:
    return (ROOT / "docs/faults.md").read_text()


def test_every_fault_has_a_row_with_tests_that_exist_or_a_reason() -> None:
    assert faulty(document()) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("", ["numbers"]),
        ("| 72 | fault | outcome | |", ["72: neither a test nor a reason"]),
        ("| 72 | fault | outcome | not yet: later |", []),
        ("| 72 | fault | outcome | held by design: no way there |", []),
        ("| 72 | f | o | `tests/test_conf.py::test_misspelt` |", ["72: test_misspelt"]),
        ("| 72 | f | o | `tests/test_gone.py::test_x` not yet: y |", ["72: test_x"]),
        (
            "| 72 | f | o | not yet: `test_conf.py::test_x` |",
            ["72: a test that is not written as `path::name`"],
        ),
    ],
)
def test_a_row_that_proves_nothing_is_named(row: str, told: list[str]) -> None:
    others = "".join(f"| {number} | f | o | not yet: x |\n" for number in FAULTS if number < 72)

    assert faulty(others + row) == told
