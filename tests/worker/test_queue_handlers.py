"""A handler of a whole queue: what it is given, and what it is refused."""

import inspect
import re
import textwrap
from dataclasses import dataclass
from typing import Any

import pytest

from django_jobqueue import (
    HandlerAlreadyRegistered,
    HandlerNotRegistered,
    InvalidArguments,
    InvalidHandler,
    JobContext,
    PayloadError,
    Queue,
    QueueHandler,
    cancel,
)
from django_jobqueue.jobs import queue as queue_module
from django_jobqueue.jobs.enqueueing import Enqueuer
from django_jobqueue.models import Job

from .site import COMMITTED, Site

pytestmark = COMMITTED


@dataclass
class Letter:
    to: str
    copies: int = 1


@pytest.fixture(autouse=True)
def registry_of_the_test(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "registry", site.registry)


def mail_of(site: Site, **options: Any) -> tuple[type[QueueHandler], list[Any]]:
    seen: list[Any] = []

    class Mail(QueueHandler, registry=site.registry, **options):
        queue = "mail"

        def process(self, context: JobContext, payload: Any) -> object:
            seen.append((context.attempt, payload))
            return {"sent": payload}

    return Mail, seen


@pytest.mark.parametrize("payload", [{"to": "Ada"}, ["Ada", 1], "Ada", 7, None, 0.5])
def test_a_payload_of_any_kind_is_processed(site: Site, payload: object):
    _, seen = mail_of(site)

    handle = Queue("mail").enqueue(payload)
    site.work()

    assert seen == [(1, payload)]
    assert handle.refresh().result == {"sent": payload}


def test_a_payload_is_converted_by_its_annotation(site: Site):
    seen: list[Letter] = []

    class Mail(QueueHandler, registry=site.registry):
        queue = "mail"

        async def process(self, context: JobContext, payload: Letter) -> None:
            seen.append(payload)

    Queue("mail").enqueue(Letter("Ada", copies=2))
    with pytest.raises(InvalidArguments, match="copies"):
        Queue("mail").enqueue({"to": "Ada", "copies": "two"})
    site.work()

    assert seen == [Letter("Ada", copies=2)]


def test_a_row_that_names_no_handler_is_served_by_that_of_its_queue(site: Site):
    _, seen = mail_of(site)

    Job.objects.create(queue="mail", handler="", payload={"args": ["Ada"], "kwargs": {}})
    site.work()

    assert seen == [(1, "Ada")]


def test_jobs_with_a_handler_of_their_own_keep_it(site: Site):
    _, seen = mail_of(site)
    runs = site.counted("other", queue="mail")

    site.declared["other"].enqueue()
    site.work()

    assert (runs, seen) == (["other"], [])


def test_options_are_said_with_the_class_and_the_call(site: Site):
    mail, _ = mail_of(site, max_attempts=7, priority=3)

    stored = Job.objects.get(pk=Queue("mail").using(priority=5, delay=60).enqueue("Ada").id)

    assert (stored.handler, stored.max_attempts, stored.priority) == ("queue:mail", 7, 5)
    assert stored.state == "scheduled"
    assert cancel(handler=mail).cancelled == 1


def test_a_queue_has_one(site: Site):
    mail_of(site)

    with pytest.raises(HandlerAlreadyRegistered, match="'queue:mail'"):
        mail_of(site)

    _, seen = mail_of(site, replace=True)
    Queue("mail").enqueue("Ada")
    site.work()
    assert seen == [(1, "Ada")]


def test_a_base_without_a_queue_serves_none(site: Site):
    class Base(QueueHandler, registry=site.registry):
        def process(self, context: JobContext, payload: Any) -> None: ...

    class Mail(Base, registry=site.registry):
        queue = "mail"

    assert site.registry.names == ("queue:mail",)


def test_a_process_that_takes_something_else_is_refused(site: Site):
    with pytest.raises(InvalidHandler, match=r"takes self, the context and the payload"):

        class Mail(QueueHandler, registry=site.registry):
            queue = "mail"

            def process(self, context: JobContext) -> None: ...  # type: ignore[override]

    assert len(site.registry) == 0


def test_without_one_a_payload_is_refused(site: Site):
    with pytest.raises(HandlerNotRegistered, match="'queue:mail'"):
        Queue("mail").enqueue("Ada")


def test_a_text_is_a_payload_even_if_a_handler_has_that_name(site: Site):
    _, seen = mail_of(site)
    runs = site.counted("dangerous")

    Queue("mail").enqueue("dangerous")
    site.work()

    assert (runs, seen) == ([], [(1, "dangerous")])


def test_what_json_cannot_hold_is_refused(site: Site):
    mail_of(site)

    with pytest.raises(PayloadError):
        Queue("mail").enqueue({1, 2})


def test_payloads_are_enqueued_in_bulk(site: Site):
    mail, seen = mail_of(site)

    Enqueuer(mail.handler).enqueue_many([["Ada"], ["Grace"]])
    site.work()

    assert sorted(payload for _, payload in seen) == ["Ada", "Grace"]


def test_the_example_of_its_documentation_does_what_it_says(site: Site):
    lines = re.findall(r"^ {4}.*$|^$", inspect.getdoc(QueueHandler) or "", re.MULTILINE)
    source = textwrap.dedent("\n".join(lines)).replace("(QueueHandler", "(QueueHandler, registry=r")
    names = {"QueueHandler": QueueHandler, "Queue": Queue, "JobContext": JobContext}

    exec(source, {**names, "r": site.registry})

    [stored] = Job.objects.all()
    assert (stored.queue, stored.max_attempts) == ("mail", 5)
    assert stored.payload["args"] == [{"to": "ada@example.com"}]
