"""The examples of docs/observability.md, with stand-ins for the packages that they are about."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from django_jobqueue import Retry
from django_jobqueue.events import events
from tests.test_readme import ROOT, python_blocks
from tests.worker.site import COMMITTED, Site

pytestmark = COMMITTED

#: What a log line of the handler would say besides its own words.
bound: ContextVar[dict[str, Any]] = ContextVar("bound")


class Structlog(ModuleType):
    @contextmanager
    def bound_contextvars(**said: Any) -> Iterator[None]:
        token = bound.set({**bound.get({}), **said})
        yield
        bound.reset(token)

    contextvars = SimpleNamespace(bound_contextvars=bound_contextvars)


class Sentry(ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.said: list[tuple[Any, ...]] = []
        self.captured: list[tuple[str, list[tuple[Any, ...]]]] = []

    @contextmanager
    def isolation_scope(self) -> Iterator[Any]:
        def say(*said: Any) -> None:
            self.said.append(said)

        yield SimpleNamespace(
            set_tag=say, set_context=say, set_transaction_name=say, set_fingerprint=say
        )
        self.said = []

    def capture_exception(self, error: Exception) -> None:
        self.captured.append((str(error), self.said))


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sentry]:
    """The examples, subscribed for this test."""
    sentry, before = Sentry("sentry_sdk"), events._of_spans
    monkeypatch.setitem(sys.modules, "structlog", Structlog("structlog"))
    monkeypatch.setitem(sys.modules, "sentry_sdk", sentry)
    module = ModuleType("examples_of_observability")
    blocks = python_blocks(ROOT / "docs/observability.md")
    assert len(blocks) == 3
    for line, source in blocks:
        exec(compile("\n" * line + source, "docs/observability.md", "exec"), module.__dict__)
    yield sentry
    events._of_spans = before


@pytest.fixture
def site() -> Site:
    return Site()


def work(site: Site) -> None:
    site.work(options={"events": events}, concurrency=1)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_structlog_binds_is_there_in_the_handler_and_gone_after_it(
    site: Site, sentry: Sentry, kind: str
):
    async def look() -> dict[str, Any]:
        return bound.get({})

    made = site.job(look if kind == "async" else lambda: bound.get({}), name="look", queue="mail")
    handle = made.enqueue()
    work(site)

    about = {"job_id": handle.id, "handler": "look", "queue": "mail", "attempt": 1}
    assert handle.refresh().result == about
    assert bound.get({}) == {}


def test_sentry_hears_of_what_a_handler_raises_and_of_which_job(site: Site, sentry: Sentry):
    def fail() -> None:
        raise ValueError("no such user")

    def answer() -> None:
        raise Retry("not yet")

    handle = site.job(fail, name="fail", queue="mail", max_attempts=1).enqueue()
    site.job(answer, name="answer").enqueue()
    work(site)

    [(message, said)] = sentry.captured
    assert message == "no such user"
    assert ("queue", "mail") in said
    assert ("job", {"id": handle.id, "attempt": 1}) in said
    assert handle.refresh().state == "dead", "and the worker heard of it, too"
