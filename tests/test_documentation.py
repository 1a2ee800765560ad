"""What the documentation lists is what there is."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.why import BlockerKind
from django_jobqueue.management.commands.jobqueue import Command
from django_jobqueue.management.subcommands import SUBCOMMANDS

ROOT = Path(__file__).parent.parent


def test_every_setting_is_documented_and_nothing_else() -> None:
    listed = re.findall(
        r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE
    )

    assert listed == [field.name.upper() for field in fields(JobQueueSettings)]


def words_of_tables(document: str) -> set[str]:
    """What stands as code in the first column of its tables."""
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / document).read_text(), re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_every_subcommand_and_everything_that_keeps_a_job_is_documented_and_nothing_else() -> None:
    subcommands = {subcommand.name for subcommand in SUBCOMMANDS}

    expected = subcommands | {"kind"} | {kind.value for kind in BlockerKind}
    assert words_of_tables("docs/command.md") == expected


def test_every_command_line_of_the_documents_can_be_read() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    lines = [
        line
        for page in pages
        for line in re.findall(r"^ +\$ manage\.py jobqueue (.+)$", page.read_text(), re.MULTILINE)
    ]

    assert lines
    parser = Command().create_parser("manage.py", "jobqueue")
    for line in lines:
        assert parser.parse_args(shlex.split(line)).run, line


def test_links_between_documents_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text())
    ]

    assert links
    assert [
        (page.name, target) for page, target in links if not (page.parent / target).exists()
    ] == []
