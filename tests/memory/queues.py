"""What tests of the memory queue share."""

from collections.abc import Callable
from datetime import UTC, datetime

from django_jobqueue import (
    Constant,
    MemoryJob,
    MemoryQueue,
)

from .operations import PATIENCE

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT_ONCE = Constant(0)


class Noon:
    def now(self) -> datetime:
        return NOON


Make = Callable[..., MemoryQueue]


class Recorder:
    """A handler that keeps the jobs it was called with, and answers what it was told to."""

    def __init__(self, *answers: object) -> None:
        self.jobs: list[MemoryJob] = []
        self.answers = list(answers)

    def __call__(self, job: MemoryJob) -> object:
        self.jobs.append(job)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def payloads(self) -> list[object]:
        return [job.payload for job in self.jobs]


def ended(queue: MemoryQueue) -> MemoryQueue:
    """Let a queue run all it has."""
    queue.start()
    assert queue.shutdown(PATIENCE)
    return queue


def of(handler: object, make: Make, **options) -> MemoryQueue:
    queue = make(**options)
    queue.register("send", handler)
    return queue
