"""Spans: what surrounds a piece of work, and hurts neither it nor its neighbours."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from django_jobqueue.events import EventBus


def subscriber_of(steps: list[str], name: str) -> Any:
    @contextmanager
    def subscriber(span: str, facts: dict[str, Any]) -> Iterator[None]:
        steps.append(f"{name} enters {span}")
        try:
            yield
        finally:
            steps.append(f"{name} leaves")

    return subscriber


def failing(*, at: str) -> Any:
    @contextmanager
    def subscriber(span: str, facts: dict[str, Any]) -> Iterator[None]:
        if at == "start":
            raise RuntimeError("at the start")
        yield
        raise RuntimeError("at the end")

    return subscriber


def test_subscribers_are_left_in_the_reverse_of_their_order():
    bus, steps = EventBus(), list[str]()
    for name in ("first", "second"):
        bus.subscribe_span(subscriber_of(steps, name))

    with bus.span("job.run"):
        steps.append("work")

    assert steps == [
        "first enters job.run",
        "second enters job.run",
        "work",
        "second leaves",
        "first leaves",
    ]


def test_both_sides_see_the_same_facts():
    bus, seen = EventBus(), list[object]()

    @contextmanager
    def subscriber(span: str, facts: dict[str, Any]) -> Iterator[None]:
        facts["meta"] = {"a": 1}
        yield
        seen.append((facts["job"], facts["outcome"]))

    bus.subscribe_span(subscriber)
    with bus.span("job.run", job=7) as facts:
        assert facts["meta"] == {"a": 1}
        facts["outcome"] = "done"

    assert seen == [(7, "done")]


def test_only_what_is_wanted_is_surrounded():
    bus, steps = EventBus(), list[str]()
    bus.subscribe_span(subscriber_of(steps, "it"), wants=lambda name: name == "job.run")

    with bus.span("jobs.enqueue"), bus.span("job.run"):
        pass

    assert steps == ["it enters job.run", "it leaves"]


def test_adding_twice_surrounds_once_and_removing_ends_it():
    bus, steps = EventBus(), list[str]()
    subscriber = subscriber_of(steps, "it")
    bus.subscribe_span(subscriber)
    bus.subscribe_span(subscriber)
    with bus.span("job.run"):
        pass
    bus.unsubscribe_span(subscriber)
    bus.unsubscribe_span(subscriber)
    with bus.span("job.run"):
        pass

    assert steps == ["it enters job.run", "it leaves"]


@pytest.mark.parametrize("at", ["start", "end"])
def test_a_subscriber_that_fails_is_logged_and_hurts_nobody(
    at: str, caplog: pytest.LogCaptureFixture
):
    bus, steps = EventBus(), list[str]()
    bus.subscribe_span(subscriber_of(steps, "first"))
    bus.subscribe_span(failing(at=at))
    bus.subscribe_span(subscriber_of(steps, "last"))

    with bus.span("job.run"):
        steps.append("work")

    assert steps[2:] == ["work", "last leaves", "first leaves"]
    assert caplog.messages == ["a subscriber of the span 'job.run' failed"]


@pytest.mark.parametrize("error", [ValueError("its own"), KeyboardInterrupt()])
def test_an_error_of_the_work_goes_through_all_and_on_to_the_caller(
    error: BaseException, caplog: pytest.LogCaptureFixture
):
    bus, seen = EventBus(), list[BaseException]()

    @contextmanager
    def swallowing(span: str, facts: dict[str, Any]) -> Iterator[None]:
        try:
            yield
        except BaseException as caught:
            seen.append(caught)

    bus.subscribe_span(swallowing)
    bus.subscribe_span(lambda span, facts: swallowing(span, facts))
    with pytest.raises(type(error)) as raised, bus.span("job.run"):
        raise error

    assert raised.value is error
    assert seen == [error, error]
    assert caplog.messages == []


def test_whether_anybody_surrounds_a_span_is_asked_at_that_moment() -> None:
    bus, wanted = EventBus(), set[str]()
    bus.subscribe_span(lambda name, facts: nullcontext(), wants=wanted.__contains__)
    assert not bus.surrounds("job.run")

    wanted.add("job.run")

    assert bus.surrounds("job.run")
    assert not bus.surrounds("jobs.enqueue")


def test_listeners_are_those_who_want_it_and_one_that_fails_hurts_no_other(
    caplog: pytest.LogCaptureFixture,
):
    bus, heard = EventBus(), list[object]()

    def failing_listener(name: str, facts: Any) -> None:
        raise RuntimeError("it fails")

    bus.subscribe(failing_listener)
    bus.subscribe(lambda name, facts: heard.append((name, facts["job"])))
    bus.subscribe(lambda name, facts: heard.append("unwanted"), wants=lambda name: False)

    bus.emit_to(bus.listeners("job.started"), "job.started", job=7)

    assert heard == [("job.started", 7)]
    assert "it fails" in caplog.text


def test_one_that_cannot_say_what_it_wants_is_logged_and_hurts_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus, heard = EventBus(), list[str]()

    def fail(name: str) -> bool:
        raise ValueError(name)

    bus.subscribe(lambda name, facts: heard.append("never"), wants=fail)
    bus.subscribe(lambda name, facts: heard.append(name))
    bus.subscribe_span(failing(at="nowhere"), wants=fail)

    bus.emit_to(bus.listeners("job.succeeded"), "job.succeeded")

    assert heard == ["job.succeeded"]
    assert bus.hears("job.succeeded")
    assert not bus.surrounds("job.run")
    assert "a subscriber of 'job.run' failed" in caplog.text
