"""One command for both databases, which fails if either does."""

import os
import sys
from pathlib import Path

import pytest

from . import side_by_side

PASSES, FAILS = ((sys.executable, "-c", f"print('seen'); raise SystemExit({n})") for n in (0, 1))


@pytest.mark.parametrize(
    ("sqlite", "postgresql", "status", "told"),
    [
        (PASSES, PASSES, 0, "passed on both"),
        (PASSES, FAILS, 1, "failed on postgresql"),
        (FAILS, PASSES, 1, "failed on sqlite"),
        (FAILS, FAILS, 1, "failed on sqlite and postgresql"),
    ],
)
def test_it_passes_where_both_do(
    sqlite: tuple[str, ...],
    postgresql: tuple[str, ...],
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(side_by_side, "RUNS", {"sqlite": sqlite, "postgresql": postgresql})

    assert side_by_side.main([]) == status

    *lines, last = capsys.readouterr().out.splitlines()
    assert sorted(lines) == ["postgresql | seen", "sqlite     | seen"]
    assert last == told


def test_what_failed_is_told_again_after_the_longer_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = tmp_path / "test_two.py"
    failing.write_text("def test_good(): pass\ndef test_bad(): assert 'this' == 'that'\n")
    pytest_of_two = (*side_by_side.PYTEST, "-c", os.devnull, "-p", "no:django", str(failing))
    monkeypatch.setattr(side_by_side, "RUNS", {"sqlite": pytest_of_two, "postgresql": PASSES})

    assert side_by_side.main([]) == 1

    *told, last = capsys.readouterr().out.splitlines()
    again = told[next(i for i, line in enumerate(told) if "1 failed, 1 passed" in line) + 1 :]
    again = [line.removeprefix("sqlite     | ") for line in again if line != "postgresql | seen"]
    assert "test_bad" in again[0]
    assert again[1].startswith("E "), again
    assert again[-2].startswith("FAILED "), again
    assert "test_bad" in again[-2]
    assert "1 failed, 1 passed" in again[-1]
    assert last == "failed on sqlite"


def test_only_one_of_them_is_told_of_a_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = (sys.executable, "-c", "import os; print(os.environ['DATABASE_URL'])")
    monkeypatch.setattr(side_by_side, "RUNS", {"sqlite": look, "postgresql": look})
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere")

    side_by_side.main([])

    told = sorted(capsys.readouterr().out.splitlines())
    assert told[-2:] == ["postgresql | postgresql://somewhere", "sqlite     | "]
