"""Signals of what becomes of jobs: sent by the events of a real worker."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.dispatch import Signal

from django_jobqueue import (
    Cancel,
    Constant,
    DeathReason,
    Discard,
    Retry,
    Snooze,
    cancel,
    signals,
)
from django_jobqueue.events import EventBus

from .site import COMMITTED, Site

NAMES = (
    "enqueued",
    "started",
    "succeeded",
    "failed",
    "retrying",
    "snoozed",
    "cancelled",
    "dead",
    "rescued",
)
Sent = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture
def sent() -> Iterator[Sent]:
    """What was sent of every signal, in order; without the sender, which is always None."""
    seen: Sent = []
    receivers = {}
    for name in NAMES:

        def receive(*, signal: Signal, sender: object, name: str = name, **about: Any) -> None:
            assert sender is None
            seen.append((name, about))

        receivers[name] = receive
        getattr(signals, name).connect(receive)
    yield seen
    for name, receive in receivers.items():
        getattr(signals, name).disconnect(receive)


@pytest.fixture
def bus(site: Site) -> EventBus:
    site.bus.subscribe(signals.send_signals, wants=signals.has_receivers)
    return site.bus


@COMMITTED
@pytest.mark.usefixtures("bus")
class TestOfRuns:
    def sent_by(self, site: Site, answer: object, sent: Sent, **options: Any) -> Sent:
        @site.job(backoff=Constant(5, jitter=0), **options)
        def work() -> object:
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.handle = work.enqueue()
        site.work()
        return [one for one in sent if one[0] != "enqueued"]

    def about(self, **more: object) -> dict[str, object]:
        return {
            "job_id": self.handle.id,
            "handler": "work",
            "queue": "default",
            "attempt": 1,
            **more,
        }

    def test_a_success_is_told_with_its_result(self, site: Site, sent: Sent):
        assert self.sent_by(site, {"sum": 3}, sent) == [
            ("started", self.about()),
            ("succeeded", self.about(result={"sum": 3})),
        ]

    def test_a_failure_that_is_tried_again_is_told_as_both(self, site: Site, sent: Sent):
        error = {"type": "ValueError", "message": "no"}

        assert self.sent_by(site, ValueError("no"), sent) == [
            ("started", self.about()),
            ("failed", self.about(error=error)),
            ("retrying", self.about(error=error, delay=5.0, run_at=None)),
        ]

    def test_the_last_failure_is_told_with_the_death(self, site: Site, sent: Sent):
        error = {"type": "Retry", "message": "later"}

        assert self.sent_by(site, Retry("later"), sent, max_attempts=1)[1:] == [
            ("failed", self.about(error=error)),
            ("dead", self.about(error=error, reason=DeathReason.EXHAUSTED)),
        ]

    def test_a_death_without_a_failed_attempt_is_told_alone(self, site: Site, sent: Sent):
        [_, (name, about)] = self.sent_by(site, Discard("never"), sent)

        assert (name, about["reason"]) == ("dead", DeathReason.DISCARDED)

    def test_a_snooze_is_told_with_its_wait(self, site: Site, sent: Sent):
        assert self.sent_by(site, Snooze(60), sent)[1:] == [
            ("snoozed", self.about(delay=60.0, run_at=None))
        ]

    def test_a_job_that_cancels_itself_is_told_with_the_reason(self, site: Site, sent: Sent):
        assert self.sent_by(site, Cancel("enough"), sent)[1:] == [
            ("cancelled", self.about(error={"type": "Cancel", "message": "enough"}))
        ]

    def test_a_receiver_that_raises_hurts_neither_the_job_nor_the_others(
        self,
        site: Site,
        sent: Sent,
        caplog: pytest.LogCaptureFixture,
    ):
        def raises(**about: object) -> None:
            raise RuntimeError("a receiver of somebody else's")

        for name in NAMES:
            getattr(signals, name).connect(raises)
        try:
            told = self.sent_by(site, 1, sent)
        finally:
            for name in NAMES:
                getattr(signals, name).disconnect(raises)

        assert [name for name, _ in told] == ["started", "succeeded"]
        assert self.handle.refresh().state == "succeeded"
        assert "a receiver of somebody else's" in caplog.text


@pytest.mark.django_db
class TestOfCallers:
    @pytest.fixture
    def send(self, site: Site) -> Any:
        @site.job(queue="mail")
        def send(user_id: int) -> None: ...

        return send

    def test_an_enqueued_job_is_told(self, send: Any, sent: Sent):
        handle = send.enqueue(1)

        about = {"handler": "send", "queue": "mail", "attempt": 0}
        assert sent == [("enqueued", {"job_id": handle.id, **about})]

    def test_a_job_that_was_not_created_is_not(self, send: Any, sent: Sent):
        for _ in range(2):
            send.using(unique=True).enqueue(1)

        assert [name for name, _ in sent] == ["enqueued"]

    def test_each_waiting_job_that_is_cancelled_is_told(self, send: Any, sent: Sent):
        handles = send.enqueue_many([[1], [2]])
        sent.clear()

        cancel(queue="mail")

        assert [name for name, _ in sent] == ["cancelled", "cancelled"]
        assert {about["job_id"] for _, about in sent} == {handle.id for handle in handles}
        assert all(about["queue"] == "mail" for _, about in sent)


@pytest.mark.parametrize("event", ["worker.reaped", "worker.released"])
def test_each_job_of_a_dead_worker_is_told(event: str, sent: Sent):
    bus = EventBus()
    bus.subscribe(signals.send_signals, wants=signals.has_receivers)

    bus.emit(event, job_ids=(7, 8), cause="killed by SIGKILL")

    assert [(name, about["job_id"], about["cause"]) for name, about in sent] == [
        ("rescued", 7, "killed by SIGKILL"),
        ("rescued", 8, "killed by SIGKILL"),
    ]


def test_events_without_a_receiver_are_not_asked_for():
    bus = EventBus()
    bus.subscribe(signals.send_signals, wants=signals.has_receivers)

    def receive(**about: object) -> None: ...

    signals.dead.connect(receive)
    try:
        heard = {name for name in ("job.dead", "job.succeeded", "queue.paused") if bus.hears(name)}
    finally:
        signals.dead.disconnect(receive)

    assert heard == {"job.dead"}
    assert not bus.hears("job.dead")


@COMMITTED
@pytest.mark.usefixtures("bus")
def test_the_example_of_the_documentation_does_what_it_says(
    site: Site, caplog: pytest.LogCaptureFixture
):
    page = Path(__file__).parents[2] / "docs/signals.md"
    [source] = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.M | re.S)
    example: dict[str, Any] = {}
    exec(compile(source, str(page), "exec"), example)

    @site.job
    def work() -> object:
        return Discard("never")

    handle = work.enqueue()
    try:
        site.work()
    finally:
        assert signals.dead.disconnect(dispatch_uid="shop.a_job_is_dead")

    told = [record.message for record in caplog.records if record.name == "shop.pager"]
    assert told == [f"work #{handle.id} is dead: Discard: never"]
