"""Who hears that handlers begin is asked once for the jobs of a claim."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from uuid import uuid4

import pytest

from django_jobqueue.core.specs import ClaimedJob
from django_jobqueue.events import EventBus
from django_jobqueue.worker.audience import Audience
from django_jobqueue.worker.hands import HeldJob
from tests.claims import a_claim


class Listener:
    """Hears of runs, and surrounds them, while it wants to; counts how often it was asked."""

    def __init__(self, bus: EventBus, *, wants: bool) -> None:
        self.wants, self.asked, self.heard = wants, 0, list[int]()
        bus.subscribe(self.hear, wants=self.is_wanted)
        bus.subscribe_span(self.surround, wants=lambda name: self.wants)

    def is_wanted(self, name: str) -> bool:
        self.asked += 1
        return self.wants

    def hear(self, name: str, facts: Mapping[str, object]) -> None:
        job = facts["job"]
        assert isinstance(job, ClaimedJob)
        self.heard.append(job.id)

    def surround(self, name: str, facts: dict[str, object]) -> AbstractContextManager[object]:
        return nullcontext()


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


def begin(audience: Audience, *jobs: ClaimedJob) -> None:
    for job in jobs:
        held = HeldJob(job, None)
        audience.begin(held)
        assert held.has_started


def test_each_job_is_told(bus: EventBus) -> None:
    listener, token = Listener(bus, wants=True), uuid4()

    begin(Audience(bus), *(a_claim(id=one, claim_token=token) for one in (1, 2, 3)))

    assert listener.heard == [1, 2, 3]
    assert listener.asked == 1


@pytest.mark.parametrize("wants", [True, False])
def test_what_is_wanted_by_now_holds_for_the_next_claim(bus: EventBus, wants: bool) -> None:
    listener, audience = Listener(bus, wants=not wants), Audience(bus)
    first, second = a_claim(id=1, claim_token=uuid4()), a_claim(id=2, claim_token=uuid4())
    begin(audience, first)
    listener.wants = wants

    begin(audience, second)

    assert listener.heard == ([2] if wants else [1])
    assert (audience.span_of(second) is not None) is wants
