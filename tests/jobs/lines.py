"""What tests of cluster-wide lines share: another process, played by its row."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

from django_jobqueue import Acquired, Line, Token
from django_jobqueue.jobs.line_keeper import keeper
from django_jobqueue.store import store_for

#: Only a failing test waits that long.
PATIENCE = 10.0
LEASE = timedelta(seconds=30)
LAPSED = timedelta(seconds=-1)


def held_elsewhere(name: str = "api", *, lease: timedelta = LEASE) -> UUID:
    """Let another process hold the line; where it is held, that one's lease has run out first."""
    token = uuid4()
    assert store_for("default").hold_line(name, token, holder="elsewhere:1", lease=lease)
    return token


def released_elsewhere(token: UUID, name: str = "api") -> None:
    assert store_for("default").release_line(name, token)


def acquired(line: Line) -> Token:
    outcome = line.try_acquire_token()
    assert isinstance(outcome, Acquired)
    return outcome.token


def lapse(*tokens: UUID) -> None:
    """Let time go by until these leases have run out."""
    assert store_for("default").renew_lines(tokens, lease=LAPSED) == set(tokens)


def tokens_of_this_process() -> list[UUID]:
    return [hold.token for hold in keeper.holds]


def until(fact) -> None:
    """Return as soon as the fact is true; other threads make it so."""
    give_up = threading.Event()
    for _ in range(2_000):
        if fact():
            return
        give_up.wait(0.005)
    raise AssertionError("this did not come true")
