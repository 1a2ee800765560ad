"""What several subcommands read from the command line."""

from argparse import ArgumentTypeError
from datetime import timedelta

_LONGEST = timedelta.max.total_seconds() // 2
_LARGEST_ID = 2**63 - 1


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


def job_id(text: str) -> int:
    """Read the id of a job."""
    if text.isdecimal() and text.isascii() and len(text) < 20 and 0 < int(text) <= _LARGEST_ID:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not the id of a job, which is a number from 1")
