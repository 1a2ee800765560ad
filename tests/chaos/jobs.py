"""The handlers of a storm. What they see and do goes to the history, whatever becomes of them."""

import os
import threading
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from django_jobqueue import Constant, JobContext, Retry, Snooze, job

from .history import Event, History

HISTORY = "JOBQUEUE_CHAOS_HISTORY"
#: Nothing sets it: a pause that needs no sleep.
_NEVER = threading.Event()


@cache
def _history() -> History:
    return History(Path(os.environ[HISTORY]))


@job(name="chaos.work", backoff=Constant(0.1))
def work(context: JobContext, number: int, seconds: float, first: str = "succeed") -> str:
    """Take `seconds`, then answer with the claim under which it ran; at `first`, as told."""
    claim, token = context.job, str(context.job.claim_token)
    seen = Event(
        event="start",
        job=claim.id,
        number=number,
        token=token,
        worker=str(claim.worker_id),
        attempt=claim.attempt,
    )
    _history().note(seen)
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
    return token
