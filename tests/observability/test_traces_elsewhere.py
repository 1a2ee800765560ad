"""The trace goes on where a job runs or waits outside the database's usual ways."""

from pathlib import Path

import pytest
from django.test import override_settings

from django_jobqueue import conf
from django_jobqueue.jobs.flushing import JobFlush
from django_jobqueue.jobs.site import site_store
from django_jobqueue.jobs.spooling import spool_of
from tests.acceptance import isolated_jobs
from tests.outage import database_away
from tests.worker.apart import Apart
from tests.worker.conftest import apart, site  # noqa: F401 - fixtures
from tests.worker.site import COMMITTED, Site

from .traces import Spans, a_request, trace_ids, work

pytestmark = COMMITTED


def test_in_a_process_of_its_own(
    apart: Apart,  # noqa: F811 - the fixture
    spans: Spans,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("JOBQUEUE_SETTINGS", '{"TRACING": true}')
    handle = isolated_jobs.tell_trace.enqueue()
    apart.work()

    [sent] = spans("send default")
    assert handle.refresh().result == f"{sent.context.trace_id:032x}"


def test_through_the_spool(
    site: Site,  # noqa: F811 - the fixture
    spans: Spans,
    tmp_path: Path,
):
    made = site.job(lambda: 1, name="it", queue="it")
    with override_settings(JOBQUEUE={"TRACING": True, "SPOOL": tmp_path / "spool"}):
        with a_request(), database_away(tmp_path):
            handle = made.enqueue()
        assert handle.receipt is not None
        settings, spool = conf.current(), spool_of(conf.current())
        assert spool is not None
        JobFlush(spool, store=site_store(), settings=settings).run(limit=10)
        work(site)

    assert handle.refresh().result == 1
    found = [*spans("GET /"), *spans("send it"), *spans("process it")]
    assert len(found) == 3
    assert len(trace_ids(*found)) == 1
