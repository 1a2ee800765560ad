"""One trace from a request to its jobs, read from an exporter in memory; workers are real."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from django_jobqueue import Batch, Cancel, Discard, JobContext, Retry, Snooze, Succeed, chain
from django_jobqueue.jobs.control import requeue
from tests.worker.site import COMMITTED, Site

from .traces import Spans, a_request, trace_ids, work

pytestmark = COMMITTED


@pytest.fixture
def site() -> Site:
    return Site()


class TestOneTrace:
    def test_a_request_its_enqueue_and_the_run_are_one_trace(self, site: Site, spans: Spans):
        greet = site.job(lambda: "hello", name="greet", queue="mail")
        with a_request():
            handle = greet.enqueue()
        work(site)

        [request], [sent], [ran] = spans("GET /"), spans("send mail"), spans("process mail")
        assert handle.refresh().result == "hello"
        assert len(trace_ids(request, sent, ran)) == 1
        assert sent.parent.span_id == request.context.span_id
        assert ran.parent.span_id == sent.context.span_id
        assert (sent.kind, ran.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)

    def test_the_attributes_are_those_of_messaging(self, site: Site, spans: Spans):
        handle = site.job(lambda: None, name="greet", queue="mail").enqueue()
        work(site)

        [sent], [ran] = spans("send mail"), spans("process mail")
        common = {
            "messaging.system": "django_jobqueue",
            "messaging.destination.name": "mail",
            "messaging.message.id": str(handle.id),
            "jobqueue.handler": "greet",
        }
        assert sent.attributes == common | {
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
        }
        assert ran.attributes == common | {
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "jobqueue.attempt": 1,
            "jobqueue.outcome": "Succeed",
        }

    def test_the_handler_runs_inside_its_span(self, site: Site, spans: Spans):
        seen = []

        def handler() -> None:
            seen.append(trace.get_current_span().get_span_context().span_id)

        async def handler_async() -> None:
            handler()

        site.job(handler, name="sync", queue="sync").enqueue()
        site.job(handler_async, name="async", queue="async").enqueue()
        site.job(handler, name="written", queue="written", transactional=True, timeout=5).enqueue()
        work(site)

        ran = [span for queue in ("sync", "async", "written") for span in spans(f"process {queue}")]
        assert len(ran) == 3
        assert set(seen) == {span.context.span_id for span in ran}

    def test_what_a_handler_enqueues_belongs_to_the_trace(self, site: Site, spans: Spans):
        second = site.job(lambda: None, name="second", queue="second")
        first = site.job(lambda: second.enqueue() and None, name="first", queue="first")
        first.enqueue()
        work(site)

        [outer], [inner] = spans("process first"), spans("process second")
        [sent] = spans("send second")
        assert sent.parent.span_id == outer.context.span_id
        assert len(trace_ids(outer, sent, inner)) == 1

    def test_jobs_of_a_bulk_enqueue_share_its_span(self, site: Site, spans: Spans):
        def handler(number: int) -> None: ...

        site.job(handler, queue="many").enqueue_many([[1], [2], [3]])
        work(site)

        [sent] = spans("send many")
        assert sent.attributes["messaging.batch.message_count"] == 3
        assert {span.parent.span_id for span in spans("process many")} == {sent.context.span_id}
        assert len(spans("process many")) == 3

    def test_every_attempt_is_a_span_of_the_same_trace(self, site: Site, spans: Spans):
        def handler(context: JobContext) -> Retry | None:
            return Retry("not yet", delay=0, exact=True) if context.attempt < 3 else None

        site.job(handler, queue="again", max_attempts=3).enqueue()
        work(site)

        [sent], attempts = spans("send again"), spans("process again")
        assert [span.attributes["jobqueue.attempt"] for span in attempts] == [1, 2, 3]
        assert len(trace_ids(sent, *attempts)) == 1

    def test_all_jobs_of_a_chain_belong_to_the_trace(self, site: Site, spans: Spans):
        first, second = (site.job(lambda: None, name=name, queue=name) for name in ("one", "two"))
        with a_request():
            chain(first.s(), second.s()).enqueue()
        work(site)

        ran = [*spans("process one"), *spans("process two")]
        assert len(ran) == 2
        assert len(trace_ids(*ran, *spans("GET /"))) == 1
        assert {span.parent.span_id for span in ran} == {spans("send")[0].context.span_id}

    def test_so_do_members_of_a_batch_what_is_added_and_what_waits_for_the_end(
        self, site: Site, spans: Spans
    ):
        late = site.job(lambda: None, name="late", queue="late")

        def member(context: JobContext) -> None:
            context.batch.add([late.s()])

        made = site.job(member, name="member", queue="member")
        last = site.job(lambda: None, name="last", queue="last")
        with a_request():
            Batch(on_finish=last.s()).enqueue([made.s()])
        work(site)

        ran = [span for queue in ("member", "late", "last") for span in spans(f"process {queue}")]
        assert len(ran) == 3
        assert len(trace_ids(*ran, *spans("GET /"))) == 1

    def test_one_more_job_for_a_batch_by_its_id_does_too(self, site: Site, spans: Spans):
        made = site.job(lambda: None, name="member", queue="member")
        batch = Batch().enqueue([made.using(delay=3600).s()])
        made.using(batch=batch.id, queue="other").enqueue()
        work(site)

        [sent], [ran] = spans("send other"), spans("process other")
        assert ran.parent.span_id == sent.context.span_id

    def test_a_requeued_job_goes_on_with_its_trace(self, site: Site, spans: Spans):
        handle = site.job(lambda: Discard("no"), name="doomed", queue="doomed").enqueue()
        work(site)
        requeue(handle.id)
        work(site)

        ran = spans("process doomed")
        assert len(ran) == 2
        assert len(trace_ids(*ran, *spans("send doomed"))) == 1

    def test_an_async_caller_is_in_it_too(self, site: Site, spans: Spans):
        made = site.job(lambda: None, name="made", queue="made")

        async def view() -> None:
            with a_request():
                await made.aenqueue()

        async_to_sync(view)()  # in this thread, which closes its connection
        work(site)

        assert len(trace_ids(*spans("GET /"), *spans("send made"), *spans("process made"))) == 1


class TestOutcomes:
    def ran(self, site: Site, spans: Spans, handler: Any) -> ReadableSpan:
        site.job(handler, name="it", queue="it", max_attempts=1).enqueue()
        work(site)
        [span] = spans("process it")
        return span

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_an_error_is_recorded(self, site: Site, spans: Spans, kind: str):
        def fail() -> None:
            raise ValueError("no such user")

        async def fail_async() -> None:
            fail()

        span = self.ran(site, spans, {"sync": fail, "async": fail_async}[kind])

        assert span.status.status_code is StatusCode.ERROR
        assert "no such user" in span.status.description
        assert span.attributes["error.type"] == "ValueError"
        [event] = span.events
        assert event.attributes["exception.message"] == "no such user"

    @pytest.mark.parametrize("answer", [Retry("why"), Discard("why")], ids=["retry", "discard"])
    @pytest.mark.parametrize("raises", [True, False], ids=["raised", "returned"])
    def test_an_answer_that_is_a_failure_is_one(
        self, site: Site, spans: Spans, answer: Any, raises: bool
    ):
        def handler() -> object:
            if raises:
                raise answer
            return answer

        span = self.ran(site, spans, handler)

        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "why"
        assert span.attributes["jobqueue.outcome"] == type(answer).__name__
        assert span.events == ()

    @pytest.mark.parametrize("answer", [Succeed(1), Cancel("why"), Snooze(delay=60)])
    @pytest.mark.parametrize("raises", [True, False], ids=["raised", "returned"])
    def test_an_answer_that_is_none_is_not(
        self, site: Site, spans: Spans, answer: Any, raises: bool
    ):
        def handler() -> object:
            if raises:
                raise answer
            return answer

        span = self.ran(site, spans, handler)

        assert span.status.status_code is StatusCode.UNSET
        assert span.attributes["jobqueue.outcome"] == type(answer).__name__

    def test_a_timeout_is_an_error(self, site: Site, spans: Spans):
        async def wait() -> None:
            await asyncio.Event().wait()

        site.job(wait, name="it", queue="it", max_attempts=1, timeout=0.05).enqueue()
        work(site)

        [span] = spans("process it")
        assert span.attributes["error.type"].endswith(".JobTimedOut")

    def test_arguments_that_cannot_be_read_are_an_error(self, site: Site, spans: Spans):
        def handler(number: int) -> None: ...

        made = site.job(handler, name="it", queue="it")
        made.enqueue(1)
        del site.registry._by_name["it"]
        site.job(lambda: None, name="it", queue="it")
        work(site)

        [span] = spans("process it")
        assert span.attributes["error.type"].endswith(".Unprocessable")

    def test_an_enqueue_that_fails_is_an_error(self, site: Site, spans: Spans):
        made = site.job(lambda: None, name="it", queue="it")
        unique = made.using(unique_key="one", on_conflict="raise", delay=60)
        unique.enqueue()
        with pytest.raises(Exception, match="one"):
            unique.enqueue()

        assert [span.status.status_code for span in spans("send it")] == [
            StatusCode.UNSET,
            StatusCode.ERROR,
        ]
