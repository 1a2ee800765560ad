"""Handlers of the processes under test; those that ask for a process of their own are beside."""

import gc
import os
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from django_jobqueue import JobContext, job
from django_jobqueue.core.clock import monotonic

from . import isolated_jobs as isolated_jobs  # declared where the site looks for jobs
from .journal import JOURNAL, note

#: Nothing sets it: a pause that needs no sleep.
_NEVER = threading.Event()


def hold_up_imports() -> None:
    """Where there is a file `hold` beside the journal, children go no further than this."""
    is_child = Path(sys.argv[0]).stem == "child"
    if is_child and Path(os.environ[JOURNAL]).with_name("hold").exists():
        note("imports")
        _NEVER.wait()


hold_up_imports()


@job(name="acceptance.work")
def work(number: int, seconds: float = 0.0) -> int:
    note(f"start {number}")
    _NEVER.wait(seconds)
    note(f"end {number}")
    return number


@job(name="acceptance.tell_end")
def tell_end(batch_id: int) -> None:
    """Tell of the end of a batch, and how many of its members live."""
    from django_jobqueue.models import Job

    note(f"ended {batch_id} {Job.objects.filter(batch_id=batch_id).count()}")


@job(name="acceptance.timed")
def timed(number: int, seconds: float) -> int:
    """Tell when it began, on the clock that all processes of the machine share."""
    note(f"timed {number} {monotonic()}")
    _NEVER.wait(seconds)
    return number


@job(name="acceptance.wait_for")
def wait_for(path: str) -> str:
    """Run until the file is there."""
    note("start waiting")
    while not Path(path).exists():
        _NEVER.wait(0.01)
    note("end waiting")
    return "seen"


@job(name="acceptance.hold")
def hold(gates: str) -> str:
    """Run until the gate of this host is open; tell whose it was."""
    host = socket.gethostname()
    note(f"start on {host}")
    while not Path(gates, host).exists():
        _NEVER.wait(0.01)
    note(f"end on {host}")
    return host


# Not `transactional`: without a short timeout, that keeps every worker on SQLite from starting.
@job(name="acceptance.hold_a_row")
def hold_a_row(gates: str) -> str:
    """Do so with a row locked that every run of this needs."""
    from django.contrib.sessions.models import Session

    with transaction.atomic():
        Session.objects.filter(session_key="shared").update(session_data=socket.gethostname())
        return hold(gates)


@job(name="acceptance.wait_async")
async def wait_async() -> None:
    import asyncio

    note("start async")
    await asyncio.Event().wait()


@job(name="acceptance.crash")
def crash() -> None:
    """Read where nothing may be read: the system kills the process."""
    import ctypes

    note(f"crash {os.getpid()}")
    ctypes.string_at(0)


@job(name="acceptance.write_and_die", transactional=True, timeout=1)
def write_and_die(context: JobContext) -> None:
    """In the first run, die with the finish written and not committed."""
    from django.db import connection

    from django_jobqueue.models import QueueRecord

    def die_in_the_finish(execute: Any, sql: str, *arguments: Any) -> Any:
        result = execute(sql, *arguments)
        if "INTO jobqueue_archivedjob" in sql:
            note("died")
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    if not context.job.rescues:
        connection.execute_wrappers.append(die_in_the_finish)
    QueueRecord.objects.create(name=f"effect of run {context.job.rescues + 1}")


@job(name="acceptance.tell_process")
def tell_process(number: int) -> int:
    note(f"process {os.getpid()}")
    return number


@job(name="acceptance.tell_what_is_not_collected")
def tell_what_is_not_collected() -> int:
    return gc.get_freeze_count()


@job(name="acceptance.hang")
async def hang() -> None:
    """Wait in a thread that nothing can cancel, and that Python would wait for at its exit."""
    import asyncio

    note("start hanging")
    await asyncio.to_thread(_NEVER.wait)


@job(name="acceptance.tell_attempt")
def tell_attempt(context: JobContext) -> int:
    note(f"attempt {context.attempt}")
    return context.attempt


@job(name="acceptance.loop", timeout=1, max_attempts=1)
def loop() -> None:
    """Compute for ever, whatever is raised here."""
    note(f"loop {os.getpid()}")
    while True:
        try:
            while True:
                pass
        except BaseException:
            note("loop goes on")


@job(name="acceptance.loop_async", timeout=1, max_attempts=1)
async def loop_async() -> None:
    """Wait for ever, whoever cancels it."""
    import asyncio
    from contextlib import suppress

    note(f"loop {os.getpid()}")
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


@job(name="acceptance.loop_until_cancelled")
def loop_until_cancelled() -> None:
    """Compute for ever, whatever is raised here, without a timeout."""
    note(f"loop {os.getpid()}")
    while True:
        try:
            while True:
                pass
        except BaseException:
            note("loop goes on")


@job(name="acceptance.block_async", timeout=1, max_attempts=1)
async def block_async() -> None:
    """Keep the event loop from everything else, for ever."""
    note(f"loop {os.getpid()}")
    while True:
        _NEVER.wait(1)


@job(name="acceptance.match", timeout=1, max_rescues=2)
def match() -> None:
    """Look for a pattern in so many ways that it takes for ever, with the interpreter held."""
    import re

    note(f"match {os.getpid()}")
    re.match("(a+)+$", 100 * "a" + "b")


@job(name="acceptance.leave_a_row", transactional=True, timeout=1)
def leave_a_row(context: JobContext) -> None:
    """In the site's own tables: visible if and only if this has succeeded."""
    from django.contrib.sessions.models import Session

    note("start 1")
    key = f"{context.job.claim_token.hex}"
    Session.objects.create(session_key=key, expire_date=datetime.max.replace(tzinfo=UTC))
    note("end 1")
