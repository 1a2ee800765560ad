"""Faults that show when a module is imported."""

import subprocess
import sys

from .runs import ROOT

PROGRAM = """
from tests.mutants.fresh import import_tools, verdict_in_fresh_interpreter
from tests.mutants.mutant import mutants_of

import_tools()
[fault] = [one for one in mutants_of(["core"]) if one.name.endswith("| 3600 → 3601")]
for tried in (None, fault):
    tests = ["tests/core/test_rates.py"]
    print(verdict_in_fresh_interpreter(tried, tests=tests, environment={"DATABASE_URL": ""}))
"""


def test_a_fault_that_shows_at_import_is_noticed_and_nothing_else_is() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ended.stdout.split() == ["survived", "killed"]
