"""How soon an idle worker starts a job: after its commit, or after the time it was due."""

import random
import socket
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.db import transaction

from django_jobqueue.core.clock import SystemClock, monotonic

from .children import WORKER, Children, started
from .evidence import NotExactlyOnce
from .jobs import START, STARTS_SOCKET, tell_start
from .report import Report, in_percentiles, table_of

#: Seconds between two jobs: they meet a worker that has long been idle, or was just busy.
GAP = (0.02, 0.3)
#: Seconds until a scheduled job is due: before the promoter would look by itself, and after.
DELAY = (0.1, 3.0)
#: Seconds to wait for the last starts, and for the worker to come up.
PATIENCE = 15.0
WARM_UP = 3


class Starts:
    """When each handler began, as the handlers themselves tell over a datagram socket."""

    def __init__(self, receiver: socket.socket) -> None:
        self._receiver = receiver
        self.began: dict[int, float] = {}

    def listen(self, seconds: float, *, until_there_are: int | None = None) -> None:
        """Take what comes for so many seconds, or until that many have begun.

        NotExactlyOnce if one begins twice.
        """
        until = monotonic() + seconds
        while len(self.began) != until_there_are and (left := until - monotonic()) > 0:
            self._receiver.settimeout(left)
            try:
                number, began = START.unpack(self._receiver.recv(START.size))
            except TimeoutError:
                return
            if number in self.began:
                raise NotExactlyOnce(f"job {number} was started twice")
            self.began[number] = began


def run(options: Namespace) -> Report:
    """Enqueue jobs one by one for an idle worker; NotExactlyOnce if one was lost or ran twice."""
    with idle_worker() as (starts, _):
        milliseconds = starts_of(options.count, starts, scheduled=options.scheduled)
    return _report(options, milliseconds)


@contextmanager
def idle_worker() -> Iterator[tuple[Starts, Children]]:
    """Start a worker, and yield the starts it tells of once it is connected and warm."""
    with _starts() as (starts, environment), started(WORKER, environment=environment) as worker:
        _warm_up(starts, worker)
        yield starts, worker


def starts_of(count: int, starts: Starts, *, scheduled: bool = False) -> list[float]:
    """Enqueue jobs one by one and return how many milliseconds late each began.

    NotExactlyOnce if one was lost or ran twice.
    """
    due_at: dict[int, float] = {}
    for number in range(count):
        due_at[number] = _enqueue_delayed(number) if scheduled else _enqueue(number)
        if scheduled and number % 2:
            # The next one is alone: nothing scheduled beside it keeps the promoter awake.
            starts.listen(PATIENCE, until_there_are=number + 1)
        starts.listen(random.uniform(*GAP))
    starts.listen(PATIENCE, until_there_are=count)
    # The worker is still there: a job that is started twice would be heard of now.
    starts.listen(GAP[1])
    if lost := due_at.keys() - starts.began.keys():
        raise NotExactlyOnce(f"{len(lost)} of {count} jobs were not started, such as {min(lost)}")
    milliseconds = [1000 * (starts.began[number] - due) for number, due in due_at.items()]
    starts.began.clear()
    return milliseconds


@contextmanager
def _starts() -> Iterator[tuple[Starts, Mapping[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="jobqueue-starts-") as folder:
        address = str(Path(folder) / "starts")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(address)
            yield Starts(receiver), {STARTS_SOCKET: address}


def _warm_up(starts: Starts, worker: Children) -> None:
    """Wait until the worker has run some jobs: by then it is connected, its statements prepared."""
    for number in range(WARM_UP):
        tell_start.enqueue(number=number)
    until = monotonic() + PATIENCE
    while len(starts.began) < WARM_UP and monotonic() < until:
        worker.pause(0.0)
        starts.listen(0.1, until_there_are=WARM_UP)
    starts.began.clear()
    starts.listen(PATIENCE / 10)


def _enqueue(number: int) -> float:
    """Enqueue a job and return when its transaction had committed."""
    committed: list[float] = []
    with transaction.atomic():
        # Registered first, so that it runs right after the commit and before the wake-up is sent.
        transaction.on_commit(lambda: committed.append(monotonic()))
        tell_start.enqueue(number=number)
    return committed[0]


def _enqueue_delayed(number: int) -> float:
    """Enqueue a job for later and return the moment for which it was asked."""
    delay = random.uniform(*DELAY)
    due, run_at = monotonic() + delay, SystemClock().now() + timedelta(seconds=delay)
    tell_start.using(run_at=run_at).enqueue(number=number)
    return due


def _report(options: Namespace, milliseconds: Sequence[float]) -> Report:
    found = in_percentiles(milliseconds)
    measured = f"{'run_at' if options.scheduled else 'commit'} to handler start, idle worker"
    return Report(
        title=f"latency: {measured}, {len(milliseconds):,} jobs one by one, {options.database}",
        figures={
            "benchmark": "latency",
            "database": options.database,
            "scheduled": options.scheduled,
            "count": len(milliseconds),
            **found,
            "milliseconds": [round(one, 3) for one in milliseconds],
            "measured": measured,
        },
        settings={"gap_seconds": GAP, **({"delay_seconds": DELAY} if options.scheduled else {})},
        table=table_of(found),
    )
