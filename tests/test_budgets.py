"""Files stop at 300 lines, functions at 30, and the check that says so can fail."""

from pathlib import Path

from tests import budgets

ROOT = Path(__file__).parent.parent


def test_no_file_function_or_class_is_over_its_budget() -> None:
    assert budgets.breaches(ROOT) == []


def test_what_is_over_budget_is_named(tmp_path: Path) -> None:
    body = "\n".join(["    pass"] * 31)
    (tmp_path / "long.py").write_text(f"def long():\n{body}\n" + "\n" * 300)

    found = list(budgets.breaches_in(tmp_path / "long.py", "long.py"))

    assert found == [
        "long.py: 332 lines, at most 300",
        "long.py:1: long has 32 lines, at most 30",
    ]


def test_a_docstring_costs_nothing(tmp_path: Path) -> None:
    docstring = '    """\n' + "    why\n" * 40 + '    """\n'
    (tmp_path / "told.py").write_text(f"def told():\n{docstring}    return 1\n")

    assert list(budgets.breaches_in(tmp_path / "told.py", "told.py")) == []
