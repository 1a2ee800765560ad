"""What a worker counts, read with the parser of prometheus-client."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from prometheus_client import CollectorRegistry, generate_latest

from django_jobqueue import Cancel, Discard, Retry, Snooze, job
from django_jobqueue.core.figures import Figures
from django_jobqueue.core.health import Health, QueueHealth
from django_jobqueue.core.specs import AttemptReport, FinishedJob, Transition
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.events import EventBus
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.observability.definitions import COUNTED, METRICS, MetricKind
from django_jobqueue.observability.exposing import WorkerMetrics
from django_jobqueue.observability.labels import Labels
from django_jobqueue.observability.measuring import Measuring, outcome_of
from django_jobqueue.observability.prometheus import JobQueueCollector, text_of
from django_jobqueue.observability.queues import QueueLook
from django_jobqueue.worker.standing import Standing
from django_jobqueue.worker.telling import Outcomes
from tests.claims import a_claim
from tests.worker.site import COMMITTED, Site

from .scraping import samples_of, value

SUCCEEDED = Transition(state=JobState.SUCCEEDED)
READY = Standing(why_not_ready=None, polling=2, in_hand=7, heartbeat_age=0.5)
HEALTH = Health(
    queues=(
        QueueHealth(queue="mail", ready=3, oldest_wait=1.5, is_paused=True),
        QueueHealth(queue='hostile"}\n', ready=4, oldest_wait=9.0, is_paused=False),
    ),
    workers=2,
    oldest_heartbeat=1.0,
    dead_last_hour=0,
    count_limit=10_000,
)


def work() -> None: ...


class Bench:
    """A bus whose events are counted, and the metrics of a worker that does so."""

    def __init__(self) -> None:
        self.figures, self.bus, registry = Figures(), EventBus(), Registry()
        job(name="shop.send", queue="mail", registry=registry)(work)
        self.labels = Labels(registry)
        self.look = QueueLook(lambda: HEALTH)
        self.bus.subscribe(Measuring(self.figures, labels=self.labels))
        self.metrics = WorkerMetrics(figures=self.figures, labels=self.labels, look=self.look)

    def written(self, *finished: FinishedJob) -> None:
        self.bus.emit("outcomes.written", outcomes=Outcomes(finished))

    def text(self) -> str:
        return self.metrics.exposition(READY)

    def value(self, name: str, **labels: str) -> float | None:
        return value(self.text(), name, **labels)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def _measuring() -> Iterator[None]:
    with override_settings(JOBQUEUE={"METRICS": True}):
        yield


class TestText:
    def test_the_text_is_one_that_the_parser_of_prometheus_reads(self, bench: Bench):
        bench.look.refresh()
        bench.bus.emit("job.enqueued", job_id=1, handler="shop.send", queue="mail")

        text = bench.text()

        assert samples_of(text)
        for name, metric in METRICS.items():
            assert f"# HELP {name} {metric.told}\n" in text
            assert f"# TYPE {name} {metric.kind}\n" in text

    def test_a_worker_tells_how_it_stands(self, bench: Bench):
        assert bench.value("jobqueue_ready") == 1
        assert bench.value("jobqueue_processes", state="polling") == 2
        assert bench.value("jobqueue_jobs_in_hand") == 7
        assert bench.value("jobqueue_heartbeat_age_seconds") == 0.5

    def test_a_gauge_that_nobody_knows_has_no_sample(self, bench: Bench):
        text = bench.metrics.exposition(Standing(why_not_ready="no", heartbeat_age=None))

        assert value(text, "jobqueue_ready") == 0
        assert value(text, "jobqueue_heartbeat_age_seconds") is None
        assert value(text, "jobqueue_workers") is None, "nobody has looked"

    def test_it_tells_how_the_queues_are_doing_the_unknown_ones_in_one(self, bench: Bench):
        bench.look.refresh()

        assert bench.value("jobqueue_queue_ready_jobs", queue="mail") == 3
        assert bench.value("jobqueue_queue_oldest_wait_seconds", queue="mail") == 1.5
        assert bench.value("jobqueue_queue_paused", queue="mail") == 1
        assert bench.value("jobqueue_queue_ready_jobs", queue="other") == 4
        assert bench.value("jobqueue_workers") == 2
        assert "hostile" not in bench.text()

    def test_what_has_no_labels_is_there_before_anything_happened(self, bench: Bench):
        assert bench.value("jobqueue_rescued_total") == 0
        assert bench.value("jobqueue_exchange_seconds_count") == 0

    def test_it_goes_into_a_registry_of_the_site(self, bench: Bench):
        registry = CollectorRegistry(auto_describe=True)
        registry.register(JobQueueCollector(bench.figures))
        bench.bus.emit("worker.reaped", worker_id=1, job_ids=(1, 2))

        text = generate_latest(registry).decode()

        assert value(text, "jobqueue_rescued_total") == 2
        with pytest.raises(ValueError, match="Duplicated"):
            registry.register(JobQueueCollector(bench.figures))


class TestCounting:
    def test_an_outcome_is_counted_with_its_times(self, bench: Bench):
        claim = a_claim(handler="shop.send", queue="mail")
        began_at = claim.ready_at + timedelta(seconds=0.02)
        bench.written(FinishedJob(claim, SUCCEEDED, began_at, 2.0))

        job_labels = {"queue": "mail", "handler": "shop.send"}
        assert bench.value("jobqueue_outcomes_total", **job_labels, outcome="succeeded") == 1
        assert bench.value("jobqueue_wait_seconds_sum", queue="mail") == 0.02
        assert bench.value("jobqueue_wait_seconds_bucket", queue="mail", le="0.01") == 0
        assert bench.value("jobqueue_wait_seconds_bucket", queue="mail", le="0.05") == 1
        assert bench.value("jobqueue_wait_seconds_bucket", queue="mail", le="+Inf") == 1
        assert bench.value("jobqueue_run_seconds_bucket", handler="shop.send", le="1.0") == 0
        assert bench.value("jobqueue_run_seconds_bucket", handler="shop.send", le="5.0") == 1

    def test_a_job_that_did_not_start_has_no_times(self, bench: Bench):
        transition = Transition(state=JobState.DEAD, reason=DeathReason.EXPIRED)
        bench.written(FinishedJob(a_claim(handler="shop.send"), transition))

        labels = {"queue": "default", "handler": "shop.send"}
        assert bench.value("jobqueue_dead_total", **labels, reason="expired") == 1
        assert bench.value("jobqueue_wait_seconds_count", queue="default") is None

    def test_pumps_children_and_rescues_are_counted(self, bench: Bench):
        bench.bus.emit("pump.exchanged", written=2, claimed=3, seconds=0.004)
        bench.bus.emit("child.died", child="1")
        bench.bus.emit("child.retires", child="1")
        bench.bus.emit("worker.released", cause="", job_ids=(1, 2, 3))

        assert bench.value("jobqueue_claimed_total") == 3
        assert bench.value("jobqueue_exchange_seconds_bucket", le="0.005") == 1
        assert bench.value("jobqueue_restarts_total") == 2
        assert bench.value("jobqueue_rescued_total") == 3
        assert bench.value("jobqueue_events_total", event="child.died") == 1

    @pytest.mark.parametrize(
        ("outcome", "word"),
        [("failed", "retrying"), ("snoozed", "snoozed"), ("rescued", "rescued"), ("x", "released")],
    )
    def test_why_a_job_lives_on_is_one_of_a_few_words(self, outcome: str, word: str):
        report = AttemptReport(outcome=outcome)

        assert outcome_of(Transition(state=JobState.SCHEDULED, report=report)) == word

    def test_who_gives_back_what_it_never_began_has_released_it(self):
        assert outcome_of(Transition(state=JobState.READY)) == "released"


def test_ten_thousand_hostile_names_are_one_value(bench: Bench):
    for number in range(10_000):
        queue, handler = f'q{number}"}}\n', f"h{number}\\"
        bench.bus.emit("job.enqueued", job_id=number, handler=handler, queue=queue)
        claim = a_claim(handler=handler, queue=queue)
        bench.written(FinishedJob(claim, SUCCEEDED, claim.ready_at, 0.1))
        bench.bus.emit(f"site.{number}")

    samples = samples_of(bench.text())

    values = {value for _, labels in samples for name, value in labels if name != "le"}
    assert values <= {"other", "succeeded", "job.enqueued", "outcomes.written"} | {
        "starting",
        "polling",
        "retiring",
    }
    key = (("handler", "other"), ("outcome", "succeeded"), ("queue", "other"))
    assert samples["jobqueue_outcomes_total", key] == 10_000
    assert samples["jobqueue_events_total", (("event", "other"),)] == 10_000
    histograms = sum(metric.kind is MetricKind.HISTOGRAM for metric in COUNTED)
    assert len(samples) < 20 * len(METRICS) * histograms


@pytest.mark.usefixtures("_measuring")
class TestWorker:
    pytestmark = COMMITTED

    def test_a_drain_is_counted(self, bench: Bench):
        site, answers = Site(), [None, Retry("no"), Snooze(delay=60), Cancel(), Discard("no")]
        labels = Labels(site.registry)
        measuring = Measuring(bench.figures, labels=labels)
        site.bus.subscribe(measuring)
        for answer in answers:
            name = type(answer).__name__
            site.job(lambda answer=answer: answer, name=name, queue="mail").enqueue()
        site.work(concurrency=1)

        text = text_of(JobQueueCollector(bench.figures))

        found = {
            (labels["handler"], labels["outcome"])
            for (name, pairs), _ in samples_of(text).items()
            if name == "jobqueue_outcomes_total" and (labels := dict(pairs))
        }
        assert found == {
            ("NoneType", "succeeded"),
            ("Retry", "retrying"),
            ("Snooze", "snoozed"),
            ("Cancel", "cancelled"),
            ("Discard", "dead"),
        }
        assert value(text, "jobqueue_wait_seconds_count", queue="mail") == 5
        assert value(text, "jobqueue_run_seconds_count", handler="Retry") == 1
        assert (value(text, "jobqueue_claimed_total") or 0) >= 5
        assert (value(text, "jobqueue_exchange_seconds_count") or 0) >= 2
