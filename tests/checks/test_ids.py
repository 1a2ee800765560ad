"""What docs/checks.md lists is what there is, and each has a test that is named after it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def raised() -> list[str]:
    sources = "".join(path.read_text() for path in (ROOT / "django_jobqueue").rglob("*.py"))
    return sorted(set(re.findall(r'id="jobqueue\.([EW]\d{3})"', sources)))


def test_every_check_is_documented_and_nothing_else() -> None:
    page = (ROOT / "docs/checks.md").read_text()

    assert re.findall(r"^\| `jobqueue\.([EW]\d{3})` \|", page, re.MULTILINE) == raised()


def test_every_check_has_a_test_that_bears_its_id() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"def test_jobqueue_([ew]\d{3})_", tests)

    assert sorted({one.upper() for one in named}) == raised()
