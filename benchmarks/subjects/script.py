"""What every script of a subject can be told: `install`, `enqueue-many FIRST COUNT`,
`enqueue-each FIRST COUNT LEAST MOST` (with pauses of so many seconds), `work TUNING`, `left`.

The two that enqueue print JSON: the seconds of each call, and its moment where it is for one job.
"""

import json
import random
import sys
import threading
import time
from typing import Protocol


class Subject(Protocol):
    """One job queue, with a handler that notes its call and does nothing."""

    def install(self) -> None:
        """Make its tables."""

    def enqueue(self, number: int) -> None:
        """Store one job; it is committed when this returns."""

    def enqueue_many(self, numbers: range) -> None:
        """Store these in the fastest way that is documented."""

    def work(self, tuning: int) -> None:
        """Run jobs until the process is told to end."""

    def left(self) -> int:
        """Return how many jobs are stored that are not done, or done after a second attempt."""


def main(subject: Subject) -> None:
    """Do what the command line says."""
    command, *arguments = sys.argv[1:]
    if command == "install":
        subject.install()
    elif command == "work":
        subject.work(int(arguments[0]))
    elif command == "left":
        print(json.dumps(subject.left()))
    elif command == "enqueue-many":
        first, count = map(int, arguments)
        began = time.monotonic()
        subject.enqueue_many(range(first, first + count))
        print(json.dumps({"seconds": [time.monotonic() - began], "moments": []}))
    else:
        first, count = map(int, arguments[:2])
        print(json.dumps(_enqueue_each(subject, range(first, first + count), *arguments[2:])))


def _enqueue_each(
    subject: Subject, numbers: range, least: str, most: str
) -> dict[str, list[float]]:
    seconds: list[float] = []
    moments: list[float] = []
    never = threading.Event()
    for number in numbers:
        if float(most):
            never.wait(random.uniform(float(least), float(most)))
        moments.append(time.monotonic())
        subject.enqueue(number)
        seconds.append(time.monotonic() - moments[-1])
    # The end of this process would share the machine with the pickup of the last job.
    never.wait(float(most))
    return {"seconds": seconds, "moments": moments}
