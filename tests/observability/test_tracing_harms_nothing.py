"""Whatever tracing makes of a job, the job goes on as without it."""

import sys

import pytest
from django.test import override_settings

from django_jobqueue.observability.extras import is_installed
from tests.worker.site import COMMITTED, Site

from .traces import Spans, trace_ids, work

pytestmark = COMMITTED


@pytest.fixture
def site() -> Site:
    return Site()


def test_an_error_that_cannot_be_printed_is_the_job_s_own_all_the_same(
    site: Site, spans: Spans, caplog: pytest.LogCaptureFixture
):
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    def handler() -> None:
        raise Broken

    handle = site.job(handler, name="it", queue="it", max_attempts=1).enqueue()
    work(site)

    assert handle.refresh().error["type"].endswith("Broken")
    assert spans("process it")[0].attributes["error.type"].endswith("Broken")


def test_a_trace_that_is_no_trace_begins_a_new_one(site: Site, spans: Spans):
    made = site.job(lambda: 1, name="it", queue="it")
    hostile = [7, {"traceparent": "00-zz"}, {"traceparent": 5}, {"traceparent": "x" * 10_000}]
    handles = [made.using(meta={"trace": one}).enqueue() for one in hostile]
    work(site)

    assert [handle.refresh().result for handle in handles] == [1] * 4
    assert len(trace_ids(*spans("process it"))) == 4


def test_the_caller_s_own_meta_is_kept_and_goes_before(site: Site, spans: Spans):
    theirs = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    made = site.job(lambda: 1, name="it", queue="it")
    plain = made.using(meta={"tenant": 7}).enqueue()
    made.using(meta={"trace": theirs}, priority=-1).enqueue()
    work(site)

    first, second = spans("process it")
    assert plain.refresh().snapshot.meta["tenant"] == 7
    assert f"{second.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert trace_ids(first) != trace_ids(second)


def test_a_tracer_that_fails_harms_neither_enqueue_nor_run(
    site: Site, spans: Spans, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("django_jobqueue.observability.spans._tracer", None)
    handle = site.job(lambda: 1, name="it", queue="it").enqueue()
    work(site)

    assert handle.refresh().result == 1
    assert spans("process it") == []


def test_without_the_extra_nothing_is_traced(
    site: Site, spans: Spans, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    is_installed.cache_clear()
    try:
        handle = site.job(lambda: 1, name="it", queue="it").enqueue()
        work(site)
    finally:
        is_installed.cache_clear()

    assert handle.refresh().result == 1
    assert handle.snapshot.meta == {}


def test_without_the_setting_there_is_no_span_and_nothing_in_the_meta(site: Site, spans: Spans):
    made = site.job(lambda: 1, name="it", queue="it")
    with override_settings(JOBQUEUE={}):
        handle = made.enqueue()
        work(site)

    assert handle.refresh().snapshot.meta == {}
    assert spans("send it") + spans("process it") == []
