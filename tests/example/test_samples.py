"""The samples must stay broken in the ways that samples/README.md promises."""

import re
from pathlib import Path

import pytest

from example_project.census.analysis import analyse_source
from example_project.census.places import SAMPLES

BROKEN = {
    "half_written.py": (SyntaxError, "unterminated triple-quoted string"),
    "latin1_without_saying_so.py": (UnicodeDecodeError, "can't decode byte 0xfc"),
    "link_to_removed_module.py": (FileNotFoundError, "No such file"),
    "merge_conflict.py": (SyntaxError, "invalid syntax"),
    "nested_too_deeply.py": (SyntaxError, "too many nested parentheses"),
    "null_bytes.py": (SyntaxError, "cannot contain null bytes"),
    "number_too_long.py": (SyntaxError, "Exceeds the limit"),
    "print_statement.py": (SyntaxError, "Missing parentheses in call to 'print'"),
    "tabs_and_spaces.py": (TabError, "inconsistent use of tabs"),
    "unknown_encoding.py": (SyntaxError, "unknown encoding: utf-9"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_sample_is_broken_for_its_own_reason(name: str):
    error, told = BROKEN[name]

    with pytest.raises(error, match=re.escape(told)):
        analyse_source((SAMPLES / name).read_bytes(), name=name)


def test_every_sample_is_told_of_in_the_readme_and_here():
    names = {path.name for path in SAMPLES.iterdir() if path.suffix == ".py"}
    told = re.findall(r"^\| `(\S+\.py)`", (SAMPLES / "README.md").read_text(), re.MULTILINE)

    assert names == set(BROKEN) == set(told)


def test_the_link_leads_nowhere():
    link = Path(SAMPLES, "link_to_removed_module.py")

    assert link.is_symlink()
    assert not link.exists()
