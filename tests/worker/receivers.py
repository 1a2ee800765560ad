"""Receivers of what a worker tells, and what it may tell them."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from django_jobqueue.core.specs import FinishedJob, Transition
from django_jobqueue.core.states import JobState
from django_jobqueue.events import EventBus
from tests.claims import a_claim

from .site import Gate

Receiver = Callable[[int], object]


def finished(*ids: int) -> list[FinishedJob]:
    return [FinishedJob(a_claim(id=one), Transition(state=JobState.SUCCEEDED)) for one in ids]


def receives(bus: EventBus, receiver: Receiver) -> None:
    """Have each success of this bus told to the receiver, by its id."""

    def hear(name: str, facts: Mapping[str, Any]) -> None:
        receiver(facts["job"].id)

    bus.subscribe(hear, wants="job.succeeded".__eq__)


class Heard:
    """A receiver that waits at a gate with each job."""

    def __init__(self) -> None:
        self.gate, self.ids, self.threads = Gate(), list[int](), set[str]()

    def __call__(self, job_id: int) -> None:
        self.gate.pass_through()
        self.ids.append(job_id)
        self.threads.add(threading.current_thread().name)


def teller_runs() -> bool:
    return any(thread.name == "jobqueue-teller" for thread in threading.enumerate())
