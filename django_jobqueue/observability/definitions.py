"""Every metric there is: what documents, dashboards and expositions are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; `bounds` are the upper ones of a histogram's buckets, in seconds."""

    name: str
    kind: MetricKind
    told: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


_COUNTER, _GAUGE, _HISTOGRAM = MetricKind.COUNTER, MetricKind.GAUGE, MetricKind.HISTOGRAM
_JOB = ("queue", "handler")
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LONG = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)

# Counted in each process.

ENQUEUED = Metric(
    name="jobqueue_enqueued_total", kind=_COUNTER, told="Jobs that were stored.", labels=_JOB
)
OUTCOMES = Metric(
    name="jobqueue_outcomes_total",
    kind=_COUNTER,
    told="Claims that came to an end, by what was written for the job.",
    labels=(*_JOB, "outcome"),
)
DEAD = Metric(
    name="jobqueue_dead_total",
    kind=_COUNTER,
    told="Jobs that became dead letters, by reason.",
    labels=(*_JOB, "reason"),
)
WAIT = Metric(
    name="jobqueue_wait_seconds",
    kind=_HISTOGRAM,
    told="How long jobs were in line before their handler was called.",
    labels=("queue",),
    bounds=_LONG,
)
RUN = Metric(
    name="jobqueue_run_seconds",
    kind=_HISTOGRAM,
    told="How long handlers took.",
    labels=("handler",),
    bounds=_LONG,
)
RESCUED = Metric(
    name="jobqueue_rescued_total",
    kind=_COUNTER,
    told="Jobs that were taken back from workers that died.",
)
CLAIMED = Metric(name="jobqueue_claimed_total", kind=_COUNTER, told="Jobs that were claimed.")
EXCHANGE = Metric(
    name="jobqueue_exchange_seconds",
    kind=_HISTOGRAM,
    told="Round trips of pumps to the database, which write outcomes and claim jobs.",
    bounds=_SHORT,
)
RESTARTS = Metric(
    name="jobqueue_restarts_total", kind=_COUNTER, told="Child processes that were replaced."
)
EVENTS = Metric(
    name="jobqueue_events_total", kind=_COUNTER, told="Events, by name.", labels=("event",)
)

# Of one worker.

READY = Metric(
    name="jobqueue_ready", kind=_GAUGE, told="Whether the worker claims and runs jobs (1) or not."
)
PROCESSES = Metric(
    name="jobqueue_processes",
    kind=_GAUGE,
    told="Processes of the worker that claim jobs, by what they do.",
    labels=("state",),
)
IN_HAND = Metric(
    name="jobqueue_jobs_in_hand",
    kind=_GAUGE,
    told="Jobs that the worker has claimed and whose outcome is not written yet.",
)
HEARTBEAT_AGE = Metric(
    name="jobqueue_heartbeat_age_seconds",
    kind=_GAUGE,
    told="Age of the oldest heartbeat of the worker's processes.",
)

# Of the site, as the database says.

QUEUE_READY = Metric(
    name="jobqueue_queue_ready_jobs",
    kind=_GAUGE,
    told="Ready jobs, up to 10,000.",
    labels=("queue",),
)
QUEUE_WAIT = Metric(
    name="jobqueue_queue_oldest_wait_seconds",
    kind=_GAUGE,
    told="How long the first ready job has been in line.",
    labels=("queue",),
)
QUEUE_PAUSED = Metric(
    name="jobqueue_queue_paused",
    kind=_GAUGE,
    told="Whether somebody has paused the queue (1) or not.",
    labels=("queue",),
)
WORKERS = Metric(
    name="jobqueue_workers", kind=_GAUGE, told="Living workers that serve any of these queues."
)

COUNTED = (
    *(ENQUEUED, OUTCOMES, DEAD, WAIT, RUN),
    *(RESCUED, CLAIMED, EXCHANGE, RESTARTS, EVENTS),
)
OF_A_WORKER = (READY, PROCESSES, IN_HAND, HEARTBEAT_AGE)
OF_THE_SITE = (QUEUE_READY, QUEUE_WAIT, QUEUE_PAUSED, WORKERS)
METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (*COUNTED, *OF_A_WORKER, *OF_THE_SITE)
}
