"""What the documentation lists is what there is."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import django_jobqueue
from django_jobqueue import Answer, Backoff, JobContext, JobHandle
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.why import BlockerKind
from django_jobqueue.jobs.handlers import HandlerOptions
from django_jobqueue.jobs.schedule_options import RecurringOptions
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


def test_every_option_answer_and_backoff_is_documented_and_nothing_else() -> None:
    options = {*HandlerOptions.__annotations__, *RecurringOptions.__annotations__, "result_as"}
    policies = {"skip", "raise", "replace"}
    values = {cls.__name__ for base in (Answer, Backoff) for cls in public_classes_of(base)}
    members = {
        name for cls in (JobContext, JobHandle) for name in dir(cls) if not name.startswith("_")
    }

    told = {re.split(r"[(=]", word)[0].strip('"') for word in words_of_tables("docs/options.md")}
    text = (ROOT / "docs/options.md").read_text()
    assert told - (members - options) == options | policies | values
    assert [name for name in sorted(members) if not re.search(rf"[`.]{name}\b", text)] == []


def public_classes_of(base: type) -> list[type]:
    """Its subclasses, and theirs, whose names are of this package's own."""
    below = [one for cls in base.__subclasses__() for one in (cls, *public_classes_of(cls))]
    return [cls for cls in below if cls.__name__ in django_jobqueue.__all__]


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
