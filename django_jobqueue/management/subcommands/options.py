"""What several subcommands read from the command line."""

import getpass
import os
from argparse import ArgumentTypeError
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from django_jobqueue.jobs.control import Criteria

from .base import REFUSED

_LONGEST = timedelta.max.total_seconds() // 2
_LARGEST_ID = 2**63 - 1
_CRITERIA = {
    "queue": "jobs of this queue",
    "handler": "jobs of this handler, by the name they bear",
    "tag": "jobs that have this tag",
    "fingerprint": "jobs with this fingerprint",
    "unique_key": "the job with this unique key",
    "batch": "members of the batch with this id",
}


def seconds(text: str) -> timedelta:
    """Read a span of at least 0 seconds."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= _LONGEST:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds of at least 0")
    return timedelta(seconds=number)


def count(text: str) -> int:
    """Read a whole number of at least 0."""
    if text.isdecimal() and text.isascii() and len(text) < 10:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a whole number of at least 0")


def some(text: str) -> int:
    """Read a whole number of at least 1."""
    if (number := count(text)) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def job_id(text: str) -> int:
    """Read the id of a job."""
    return _id(text, of="job")


def batch_id(text: str) -> int:
    """Read the id of a batch."""
    return _id(text, of="batch")


def _id(text: str, *, of: str) -> int:
    if text.isdecimal() and text.isascii() and len(text) < 20 and 0 < int(text) <= _LARGEST_ID:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not the id of a {of}, which is a number from 1")


def moment(text: str) -> datetime:
    """Read a time of ISO 8601, with its offset."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a time such as 2026-01-31T12:00:00+00:00"
        ) from None


def add_criteria(parser: CommandParser, *, ids: bool = True) -> None:
    """Add the options that say which jobs are meant."""
    parser.set_defaults(ids=[], takes_ids=ids)
    if ids:
        about = "this job; may be repeated"
        parser.add_argument(
            "--id", type=job_id, action="append", dest="ids", metavar="ID", help=about
        )
    for name, about in _CRITERIA.items():
        read, metavar = (batch_id, "ID") if name == "batch" else (str, "TEXT")
        parser.add_argument(f"--{name.replace('_', '-')}", type=read, metavar=metavar, help=about)


def criteria_of(options: Mapping[str, Any]) -> Criteria:
    """Return the criteria that were given besides ids; CommandError without any and without ids."""
    criteria: Criteria = {}
    for name in _CRITERIA:
        if options[name] is not None:
            criteria[name] = options[name]  # type: ignore[literal-required]
    if not criteria and not options["ids"]:
        names = (*(["id"] if options["takes_ids"] else []), *_CRITERIA)
        wanted = ", ".join(f"--{name.replace('_', '-')}" for name in names)
        raise refused(f"this would mean every job: give at least one of {wanted}")
    return criteria


def refused(why: str) -> CommandError:
    """Return the error that ends the command with the status of what cannot be."""
    return CommandError(why, returncode=REFUSED)


def add_actor(parser: CommandParser) -> None:
    """Add what the audit record tells of who acts."""
    parser.add_argument("--by", metavar="NAME", help="who does this (default: who is logged in)")
    parser.add_argument("--why", default="", metavar="TEXT", help="why it is done")


def actor_of(options: Mapping[str, Any]) -> str:
    """Return who acts: who was named, else the user of the operating system."""
    if options["by"] is not None:
        return str(options["by"])
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have no such user; Python 3.13 changed which
        return f"user {os.getuid()}"
