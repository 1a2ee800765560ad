"""What tests of lines share."""

from django_jobqueue import Acquired, Busy, Line, Token


def acquired(line: Line) -> Token:
    """Take the token of a line that is free."""
    outcome = line.try_acquire_token()
    assert isinstance(outcome, Acquired)
    return outcome.token


def waiters_of(busy: Busy) -> int:
    return len(busy.shared._wakers)
