"""With which tests, and on which databases, a fault is tried that shows at import."""

import pytest

from .mutant import Mutant
from .runs import trials_of

NOTHING_SAID = {"verdicts": {}, "reaching": {}, "left_out": []}
BOTH = {"sqlite": NOTHING_SAID, "postgresql": NOTHING_SAID}
DECLARED = ["tests/store/test_defaults.py", "tests/store/test_stored_words.py"]


def fault_in(file: str) -> Mutant:
    return Mutant(file=file, index=0, text="a = 3", change="3 → 4", source="", line=1, last_line=1)


def test_the_tests_of_a_module_and_of_what_is_declared_come_before_all_others():
    [near, rest] = trials_of(fault_in("core/rates.py"), reports={"sqlite": NOTHING_SAID})

    assert near[1][0] == "tests/core/test_rates.py"
    assert rest == ("sqlite", ["tests/core"])


def test_a_module_that_no_test_is_named_after_has_those_of_what_is_declared():
    trials = list(trials_of(fault_in("store/nothing.py"), reports=BOTH))

    assert trials == [
        (vendor, tests)
        for vendor in ("sqlite", "postgresql")
        for tests in (DECLARED, ["tests/store", "tests/jobs"])
    ]


@pytest.mark.parametrize(
    ("file", "vendors"),
    [
        ("core/rates.py", ["sqlite"]),
        ("store/filters.py", ["sqlite", "postgresql"]),
        ("store/postgresql_copy.py", ["postgresql"]),
        ("store/sqlite_finish.py", ["sqlite"]),
    ],
)
def test_a_fault_is_tried_on_the_databases_that_run_it(file: str, vendors: list[str]):
    trials = trials_of(fault_in(file), reports=BOTH, tests=["tests/store/test_reads.py"])

    assert list(trials) == [(vendor, ["tests/store/test_reads.py"]) for vendor in vendors]


def test_what_was_seen_to_reach_a_file_is_all_that_is_run_for_it():
    seen = {**NOTHING_SAID, "reaching": {"store/reads.py": ["tests/store/test_reads.py"]}}
    *_, last = trials_of(fault_in("store/reads.py"), reports={"sqlite": seen})

    assert last == ("sqlite", ["tests/store/test_reads.py"])
