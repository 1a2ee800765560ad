"""Documents whose rows name the tests that prove them: docs/faults.md and docs/parity.md."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows_of(text: str, *, number: str) -> list[tuple[str, str]]:
    """The rows of all tables, as number and the rest; `number` is a regular expression."""
    return re.findall(rf"^\| ({number}) \|(.*)\|$", text, re.MULTILINE)


def named_in(cells: str) -> list[tuple[str, str]]:
    """The tests that a row names, as path and function."""
    return _NAMED.findall(cells)


@cache
def functions_of(path: str) -> frozenset[str]:
    """The names of all test functions of a module, in classes too; none where it is not there."""
    file = ROOT / path
    if not file.exists():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions))
    return frozenset(node.name for node in found if node.name.startswith("test_"))


def unproved(number: str, cells: str, *, excuses: tuple[str, ...]) -> list[str]:
    """What is wrong with one row: tests that do not exist, or neither a test nor an excuse."""
    named = named_in(cells)
    wrong = [f"{number}: {name}" for path, name in named if name not in functions_of(path)]
    if not named and not any(excuse in cells for excuse in excuses):
        wrong.append(f"{number}: neither a test nor a reason")
    if cells.count("::") != len(named):
        wrong.append(f"{number}: a test that is not written as `path::name`")
    return wrong
