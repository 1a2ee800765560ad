"""What docs/faults.md calls proved has a test, and no fault is left out."""

import pytest

from .proofs import ROOT, rows_of, unproved

FAULTS = range(1, 73)
_EXCUSES = ("not yet: ", "held by design: ")


def faulty(text: str) -> list[str]:
    """Everything that is wrong with the document."""
    rows = rows_of(text, number=r"\d+")
    wrong = [] if [number for number, _ in rows] == [str(one) for one in FAULTS] else ["numbers"]
    return wrong + [
        told for number, cells in rows for told in unproved(number, cells, excuses=_EXCUSES)
    ]


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
