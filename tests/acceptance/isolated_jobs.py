"""Handlers that run in processes of their own, and what they do there."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection

from django_jobqueue import (
    Cancel,
    Constant,
    Discard,
    JobContext,
    PermitStrategy,
    Retry,
    Snooze,
    Unprocessable,
    job,
)
from django_jobqueue.core.specs import ClaimedJob

from .journal import note

#: Nothing sets it: a pause that needs no sleep.
_NEVER = threading.Event()


def hold_the_interpreter() -> None:
    """Sleep in a C call that does not let go of it, so that no other thread runs."""
    ctypes.PyDLL(None).sleep(3600)


class Permit(PermitStrategy, AbstractContextManager[None]):
    """Grants, and notes the process in which its permit was entered."""

    def __init__(self) -> None:
        self.entered: list[int] = []

    def acquire(self, job: ClaimedJob) -> AbstractContextManager[None]:
        return self

    def __enter__(self) -> None:
        self.entered.append(os.getpid())

    def __exit__(self, *_: object) -> None: ...


PERMIT = Permit()


@job(name="isolated.tell_permits", isolation="process", permits=[PERMIT])
def tell_permits() -> list[int]:
    return PERMIT.entered


@job(name="isolated.tell_process", isolation="process")
def tell_process() -> list[int]:
    return [os.getpid(), os.getppid()]


@job(name="isolated.tell_trace", isolation="process")
def tell_trace() -> str:
    from opentelemetry import trace  # late: the other processes need none of it

    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


@job(name="isolated.tell_process_async", isolation="process")
async def tell_process_async() -> list[int]:
    await asyncio.sleep(0)
    return [os.getpid(), os.getppid()]


@job(name="isolated.hold", isolation="process", timeout=1, max_attempts=1)
def hold() -> None:
    note(f"hold {os.getpid()}")
    hold_the_interpreter()


@job(name="isolated.hold_for_ever", isolation="process")
def hold_for_ever() -> None:
    note(f"hold {os.getpid()}")
    hold_the_interpreter()


@job(name="isolated.crash", isolation="process")
def crash() -> None:
    """Read where nothing may be read: the system kills the process."""
    note(f"crash {os.getpid()}")
    ctypes.string_at(0)


@job(name="isolated.leave", isolation="process")
def leave(status: int) -> None:
    os._exit(status)


@job(name="isolated.kill_the_worker", isolation="process")
def kill_the_worker() -> None:
    note(f"kill {os.getppid()}")
    os.kill(os.getppid(), 9)
    _NEVER.wait()


@job(name="isolated.listen", isolation="process")
def listen(context: JobContext) -> None:
    note(f"listen {os.getpid()}")
    while not (context.cancelled or context.lease_lost):
        _NEVER.wait(0.01)
    note(f"told {'cancelled' if context.cancelled else 'lease lost'}")
    context.check()


@job(name="isolated.be_deaf", isolation="process")
def be_deaf(context: JobContext) -> None:
    """Note what it was told, and go on."""
    context.log("I hear nothing")
    note(f"deaf {os.getpid()}")
    while not context.cancelled:
        _NEVER.wait(0.01)
    note("told cancelled")
    _NEVER.wait()


@job(name="isolated.wait_async", isolation="process")
async def wait_async() -> None:
    note(f"wait {os.getpid()}")
    await asyncio.Event().wait()


@job(name="isolated.start_program", isolation="process", timeout=1, max_attempts=1)
def start_program() -> None:
    program = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    note(f"program {program.pid}")
    program.wait()


@job(name="isolated.end_by_alarm", isolation="process")
def end_by_alarm() -> None:
    signal.raise_signal(signal.SIGALRM)
    _NEVER.wait()


@job(name="isolated.fork_and_crash", isolation="process", max_rescues=0)
def fork_and_crash() -> None:
    if os.fork() == 0:
        _NEVER.wait()
    ctypes.string_at(0)


@job(name="isolated.measure", isolation="process")
def measure(text: str) -> int:
    return len(text)


@job(name="isolated.wait_for", isolation="process")
def wait_for(path: str) -> str:
    """Run until the file is there."""
    note(f"start {os.getpid()}")
    while not Path(path).exists():
        _NEVER.wait(0.01)
    return "seen"


@job(name="beside.wait_for")
def wait_for_beside(path: str) -> str:
    """The same in a thread of the worker."""
    while not Path(path).exists():
        _NEVER.wait(0.01)
    return "seen"


@job(name="isolated.crash_when_cancelled", isolation="process")
def crash_when_cancelled(context: JobContext) -> None:
    note(f"listen {os.getpid()}")
    while not context.cancelled:
        _NEVER.wait(0.01)
    ctypes.string_at(0)


@dataclass
class NoAccount(Exception):
    """A typed error."""

    user_id: int


@dataclass
class Invoice:
    """A typed result."""

    amount: Decimal
    at: datetime


def answer_as(kind: str) -> Any:
    match kind:
        case "retry":
            raise Retry("later", delay=600, exact=True)
        case "snooze":
            return Snooze(delay=600)
        case "cancel":
            return Cancel("not needed")
        case "discard":
            raise Discard("no such account")
        case "unprocessable":
            return Unprocessable("can never work")
        case "error":
            raise NoAccount(7)
        case "exit":
            sys.exit("bye")
        case "leak":
            connection.cursor().execute("BEGIN")
            return None
    return Invoice(amount=Decimal("1.50"), at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))


@job(name="isolated.answer", isolation="process", backoff=Constant(60, jitter=0))
def answer(kind: str) -> Any:
    return answer_as(kind)


@job(name="beside.answer", backoff=Constant(60, jitter=0))
def answer_beside(kind: str) -> Any:
    """The same in a thread of the worker."""
    return answer_as(kind)


@job(name="isolated.use_context", isolation="process", timeout=60)
def use_context(context: JobContext) -> list[object]:
    context.progress(1, 3, "on its way")
    context.log("a line")
    context.checkpoint("half", {"n": 1})
    handle = context.enqueue("isolated.tell_process")
    context.progress(3, 3, "done")
    context.check()
    return [context.attempt, context.job.timeout_seconds, handle.id]


@job(name="isolated.keep_connection", isolation="process")
def keep_connection() -> None:
    """Have a connection that stays, as with CONN_MAX_AGE=None."""
    connection.ensure_connection()
    connection.close_at = None


@job(name="isolated.fail_with_log", isolation="process", max_attempts=1)
async def fail_with_log(context: JobContext) -> None:
    context.log("a line")
    await context.aprogress(1, 2)
    raise NoAccount(8)
