"""The handlers of a storm. What they see and do goes to the history, whatever becomes of them."""

import ctypes
import os
import signal
import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from django.contrib.sessions.models import Session
from msgspec.structs import replace

from django_jobqueue import Constant, JobContext, Retry, Snooze, job

from .history import Event, History

HISTORY = "JOBQUEUE_CHAOS_HISTORY"
#: Nothing sets it: a pause that needs no sleep.
_NEVER = threading.Event()
#: So many of one handler may be leased at a time.
LIMIT = 3
#: The jobs that cannot succeed: what becomes of each, whatever else happens to it.
ENDINGS = MappingProxyType(
    {
        "segfault": "poison",
        "exit": "poison",
        "killed": "poison",
        "memory": "exhausted",
        "endless": "exhausted",
    }
)


@cache
def _history() -> History:
    return History(Path(os.environ[HISTORY]))


@job(name="chaos.work", backoff=Constant(0.1))
def work(context: JobContext, number: int, seconds: float, first: str = "succeed") -> str:
    """Take `seconds`, then answer with the claim under which it ran; at `first`, as told."""
    claim, seen = context.job, _begin(context, number)
    _NEVER.wait(seconds)
    answer = "succeed"
    if first == "retry" and claim.attempt == 1:
        answer = "retry"
    elif first == "snooze" and claim.reprocess_count == 0:
        answer = "snooze"
    else:
        _history().note(replace(seen, event="effect"))
    _history().note(replace(seen, event="end", answer=answer))
    if answer == "retry":
        raise Retry("first attempts fail")
    if answer == "snooze":
        raise Snooze(delay=0.1)
    return seen.token


@job(name="chaos.insert", transactional=True, timeout=1, max_attempts=1000, backoff=Constant(0.1))
def insert(context: JobContext, number: int) -> str:
    """Leave a row in the site's own tables, visible if and only if this has succeeded.

    An attempt that is lost with the connection is its own: there may be many.
    """
    seen = _begin(context, number)
    Session.objects.create(
        session_key=f"{UUID(seen.token).hex}{seen.job}",
        session_data=str(seen.job),
        expire_date=datetime.max.replace(tzinfo=UTC),
    )
    _history().note(replace(seen, event="end"))
    return seen.token


@job(name="chaos.limited", max_running=LIMIT)
def limited(context: JobContext, number: int, seconds: float) -> str:
    """Take `seconds`, with no more than LIMIT of its kind beside it, on whatever worker."""
    seen = _begin(context, number)
    _NEVER.wait(seconds)
    _history().note(replace(seen, event="end"))
    return seen.token


@job(name="chaos.tick", schedulable=True)
def tick() -> None:
    """Come once for each slot of a schedule."""


@job(name="chaos.batch_over")
def batch_over(batch_id: int) -> int:
    """Come once for each batch, after its last member."""
    return batch_id


@job(name="chaos.doomed", timeout=1, max_attempts=1, max_rescues=3)
def doomed(context: JobContext, number: int, how: str) -> None:
    """End badly, as told; some of these take their process with them."""
    seen = _begin(context, number, how)
    match how:
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "killed":  # as the system does with one of those who have used up its memory
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":  # refused at once: nobody else has less of it
            _history().note(replace(seen, event="end"))
            bytearray(1 << 62)
        case "endless":
            _go_on_for_ever()


def _go_on_for_ever() -> None:
    while True:
        try:
            while True:
                _NEVER.wait(0.1)
        except BaseException:
            continue


def _begin(context: JobContext, number: int, how: str = "") -> Event:
    claim = context.job
    seen = Event(
        event="start",
        job=claim.id,
        number=number,
        token=str(claim.claim_token),
        worker=str(claim.worker_id),
        attempt=claim.attempt,
        what=how,
    )
    _history().note(seen)
    return seen


@job(name="chaos.nothing")
def nothing(number: int) -> None:
    """Take no time, so that what is seen is the worker's own."""
