"""The size budgets: files stop at 300 lines, functions at 30, classes at 200 (`make budgets`)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES, FUNCTION_LINES, CLASS_LINES = 300, 30, 200
ROOTS = ("django_jobqueue", "example_project", "benchmarks", "tests")
#: One subject each, and long by nature.
EXEMPT_FOLDERS = ("migrations", "samples")
EXEMPT_FILES = ("tests/store/contract.py",)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    """Lines of code: the docstring does not count, it is what the budget wants more of."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def breaches_in(path: Path, name: str) -> Iterator[str]:
    text = path.read_text()
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield f"{name}: {lines} lines, at most {FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            limit = FUNCTION_LINES
        elif isinstance(node, ast.ClassDef) and not name.startswith("tests/"):
            limit = CLASS_LINES
        else:
            continue
        if (size := _body_lines(node)) > limit:
            yield f"{name}:{node.lineno}: {node.name} has {size} lines, at most {limit}"


def breaches(root: Path) -> list[str]:
    found: list[str] = []
    for path in sorted(file for top in ROOTS for file in (root / top).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if name in EXEMPT_FILES or any(part in EXEMPT_FOLDERS for part in path.parts):
            continue
        found += breaches_in(path, name)
    return found


if __name__ == "__main__":
    broken = breaches(Path(__file__).resolve().parent.parent)
    sys.stdout.write("\n".join([*broken, f"{len(broken)} over budget"]) + "\n")
    sys.exit(bool(broken))
