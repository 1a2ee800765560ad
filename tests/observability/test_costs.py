"""What nobody asks for is neither imported, heard nor counted."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.test import override_settings

from django_jobqueue.events import EventBus
from django_jobqueue.observability.catalogue import EVENTS
from django_jobqueue.observability.exposing import WorkerMetrics
from django_jobqueue.observability.extras import is_installed
from django_jobqueue.observability.measuring import Measuring, is_measured
from django_jobqueue.observability.tracing import TRACED, is_traced
from django_jobqueue.worker.metrics import PlainMetrics, metrics_of_site

#: What every job has, and what is not emitted where nobody hears it.
PER_JOB = ("job.started", "job.succeeded", "job.cancelled", "job.dead", "job.rescheduled")


@pytest.fixture
def _no_extras(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in ("opentelemetry", "prometheus_client"):
        monkeypatch.setitem(sys.modules, module, None)
    is_installed.cache_clear()
    yield
    is_installed.cache_clear()


def heard() -> set[str]:
    bus = EventBus()
    bus.subscribe(Measuring(), wants=is_measured)
    return {name for name in EVENTS if bus.hears(name)}


class TestMetrics:
    def test_without_the_setting_nothing_is_heard(self):
        assert heard() == set()

    def test_with_it_nothing_is_heard_of_single_jobs_but_their_enqueue(self):
        with override_settings(JOBQUEUE={"METRICS": True}):
            found = heard()

        assert found.isdisjoint(PER_JOB)
        assert {"outcomes.written", "pump.exchanged", "job.enqueued"} <= found

    @pytest.mark.usefixtures("_no_extras")
    def test_without_the_extra_nothing_is_heard_and_the_text_is_plain(self):
        with override_settings(JOBQUEUE={"METRICS": True}):
            assert heard() == set()
            assert isinstance(metrics_of_site(), PlainMetrics)

    def test_a_worker_exposes_what_the_setting_says(self):
        assert isinstance(metrics_of_site(), PlainMetrics)
        with override_settings(JOBQUEUE={"METRICS": True}):
            assert isinstance(metrics_of_site(), WorkerMetrics)


class TestTraces:
    def test_only_with_the_setting_are_spans_wanted(self):
        assert not any(map(is_traced, TRACED))
        with override_settings(JOBQUEUE={"TRACING": True}):
            assert all(map(is_traced, TRACED))
            assert not is_traced("a.span.of.others")

    @pytest.mark.usefixtures("_no_extras")
    def test_without_the_extra_none_is(self):
        with override_settings(JOBQUEUE={"TRACING": True}):
            assert not any(map(is_traced, TRACED))


def test_a_process_imports_neither_package_before_it_needs_it():
    look = (
        "import django, sys; django.setup(); import django_jobqueue.management.commands.runjobs; "
        "sys.exit(bool({'prometheus_client', 'opentelemetry'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", look], timeout=60, check=False)

    assert done.returncode == 0
