"""What docs/parity.md calls kept has a test, and no promise is left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .parity import Named, broken, document, faulty, promised
from .proofs import ROOT

PROVED = "`tests/test_conf.py::test_they_are_read_once`"
TEST = ("tests/test_conf.py", "test_they_are_read_once")


def a_document(*rows: str, without: str = "15.2") -> str:
    others = [f"| {number} | words | not yet: x |" for number in promised() if number != without]
    return "\n".join([*others, *rows])


def test_every_promise_has_a_row_with_tests_that_exist_or_says_what_is_missing() -> None:
    assert faulty(document()) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("", ["15.2: missing"]),
        ("| 15.2 | words | |", ["15.2: neither a test nor a reason"]),
        ("| 15.2 | words | not yet: batches |", []),
        (f"| 15.2 | words | {PROVED} |", []),
        ("| 15.2 | w | `tests/test_conf.py::test_misspelt` |", ["15.2: test_misspelt"]),
        (f"| 15.2 | w | {PROVED} |\n| 15.2 | w | {PROVED} |", ["15.2: twice"]),
        (f"| 15.2 | w | {PROVED} |\n| 15.3 | w | {PROVED} |", ["15.3: not promised"]),
    ],
)
def test_a_row_that_proves_nothing_is_named(row: str, told: list[str]) -> None:
    assert faulty(a_document(row)) == told


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([{TEST: "passed"}, {}], []),
        ([{TEST: "passed"}, {TEST: "failed"}], ["1.1: test_they_are_read_once failed"]),
        ([{}, {}], ["1.1: test_they_are_read_once did not run"]),
    ],
)
def test_a_promise_is_kept_if_its_test_passed_and_failed_nowhere(
    runs: list[dict[tuple[str, str], str]], told: list[str]
) -> None:
    assert broken(f"| 1.1 | words | {PROVED} |", runs) == told


def test_what_is_not_there_yet_is_not_kept() -> None:
    assert broken("| 1.1 | words | not yet: x |", []) == ["1.1: not yet: x"]


@contextmanager
def nothing_else() -> Iterator[None]:
    yield


@nothing_else()
def test_a_decorated_test_is_found_where_it_is_written(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    here = Path(__file__).relative_to(ROOT).as_posix()
    items: list[pytest.Item] = [request.node]

    Named({(here, request.node.originalname)}, tmp_path / "outcomes").pytest_collection_modifyitems(
        items
    )

    assert items == [request.node]
