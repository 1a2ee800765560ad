"""Strategies that note what is done with them, and threads that end before their test does."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django_jobqueue import PermitStrategy
from django_jobqueue.core.specs import ClaimedJob

from .site import PATIENCE, within


class Noting(PermitStrategy):
    """Grants, and notes when its permit is entered and left."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name, self.notes = name, notes

    def acquire(self, job: ClaimedJob) -> AbstractContextManager[None]:
        return self.permit()

    @contextmanager
    def permit(self) -> Iterator[None]:
        self.notes.append(f"+{self.name}")
        yield
        self.notes.append(f"-{self.name}")


class Answering(PermitStrategy):
    """Answers what it was made with, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.jobs: list[ClaimedJob] = []

    def acquire(self, job: ClaimedJob) -> Any:
        self.jobs.append(job)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Slow(Noting):
    """Waits for the test before it grants."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__("slow", notes)
        self.asked, self.go_on = threading.Semaphore(0), threading.Event()

    def acquire(self, job: ClaimedJob) -> AbstractContextManager[None]:
        self.asked.release()
        assert self.go_on.wait(PATIENCE)
        return super().acquire(job)

    def was_asked(self) -> bool:
        return self.asked.acquire(timeout=PATIENCE)


def no_permit_is_held() -> bool:
    """Wait for the threads that hold permits to end."""
    return within(
        PATIENCE,
        lambda: not any(one.name == "jobqueue-permit" for one in threading.enumerate()),
    )
