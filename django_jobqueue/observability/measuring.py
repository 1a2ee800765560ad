"""Events become figures, where JOBQUEUE["METRICS"] asks for them."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django_jobqueue import conf
from django_jobqueue.core.figures import Figures
from django_jobqueue.core.figures import figures as figures_of_process
from django_jobqueue.core.specs import Transition
from django_jobqueue.worker.telling import Outcomes

from . import definitions as metrics
from .catalogue import EVENTS
from .extras import is_installed
from .labels import OTHER, Labels

#: What every job has and is counted from `outcomes.written`, so that nobody need tell it.
_NOT_COUNTED = frozenset(
    {"job.started", "job.succeeded", "job.cancelled", "job.dead", "job.rescheduled"}
)
#: Why a job lives on after a claim, by the outcome of its run.
_LIVING = {"failed": "retrying", "snoozed": "snoozed", "rescued": "rescued"}


def is_measuring() -> bool:
    """Whether this site wants figures, and can have them."""
    return conf.current().metrics and is_installed("prometheus_client")


def is_measured(name: str) -> bool:
    """Whether anything is counted because of this event."""
    return name not in _NOT_COUNTED and is_measuring()


class Measuring:
    """Subscribed to an EventBus: what comes of each event is added to the figures."""

    def __init__(
        self, figures: Figures = figures_of_process, *, labels: Labels | None = None
    ) -> None:
        self._figures, self._labels = figures, labels or Labels()
        self._measures: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "job.enqueued": self._enqueued,
            "outcomes.written": self._written,
            **dict.fromkeys(("worker.reaped", "worker.released"), self._rescued),
            **dict.fromkeys(("child.died", "child.retires"), self._restarted),
            "pump.exchanged": self._exchanged,
        }

    def __call__(self, name: str, facts: Mapping[str, Any]) -> None:
        label = name if name in EVENTS else OTHER
        self._figures.count(metrics.EVENTS.name, (label,))
        if (measure := self._measures.get(name)) is not None:
            measure(facts)

    def _enqueued(self, facts: Mapping[str, Any]) -> None:
        labels = self._labels.queue(facts["queue"]), self._labels.handler(facts["handler"])
        self._figures.count(metrics.ENQUEUED.name, labels)

    def _written(self, facts: Mapping[str, Any]) -> None:
        outcomes: Outcomes = facts["outcomes"]
        labels_of = cache(self._labels_of)  # asked once for all jobs of a kind
        labelled = [
            (done, *labels_of(done.job.queue, done.job.handler)) for done in outcomes.finished
        ]
        self._figures.count_all(
            (metrics.OUTCOMES.name, (queue, handler, outcome_of(done.transition)))
            for done, queue, handler in labelled
        )
        self._figures.count_all(
            (metrics.DEAD.name, (queue, handler, reason.value))
            for done, queue, handler in labelled
            if (reason := done.transition.reason) is not None
        )
        waits = (
            ((metrics.WAIT.name, (queue,)), seconds)
            for done, queue, _ in labelled
            if (seconds := done.wait_seconds) is not None
        )
        self._figures.observe_all(waits, bounds=metrics.WAIT.bounds)
        runs = (
            ((metrics.RUN.name, (handler,)), seconds)
            for done, _, handler in labelled
            if (seconds := done.run_seconds) is not None
        )
        self._figures.observe_all(runs, bounds=metrics.RUN.bounds)

    def _labels_of(self, queue: str, handler: str) -> tuple[str, str]:
        return self._labels.queue(queue), self._labels.handler(handler)

    def _rescued(self, facts: Mapping[str, Any]) -> None:
        self._figures.count(metrics.RESCUED.name, by=len(facts["job_ids"]))

    def _restarted(self, facts: Mapping[str, Any]) -> None:
        self._figures.count(metrics.RESTARTS.name)

    def _exchanged(self, facts: Mapping[str, Any]) -> None:
        self._figures.count(metrics.CLAIMED.name, by=facts["claimed"])
        self._observe(metrics.EXCHANGE, (), facts["seconds"])

    def _observe(self, metric: metrics.Metric, labels: tuple[str, ...], value: float) -> None:
        self._figures.observe(metric.name, labels, value, bounds=metric.bounds)


def outcome_of(transition: Transition) -> str:
    """Return one word for what became of a claim: a final state, or why the job lives on."""
    if transition.state.is_final:
        return transition.state.value
    report = transition.report
    return "released" if report is None else _LIVING.get(report.outcome, "released")
