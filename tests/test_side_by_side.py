"""One command for both databases, which fails if either does."""

import sys

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


def test_only_one_of_them_is_told_of_a_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = (sys.executable, "-c", "import os; print(os.environ['DATABASE_URL'])")
    monkeypatch.setattr(side_by_side, "RUNS", {"sqlite": look, "postgresql": look})
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere")

    side_by_side.main([])

    told = sorted(capsys.readouterr().out.splitlines())
    assert told[-2:] == ["postgresql | postgresql://somewhere", "sqlite     | "]
