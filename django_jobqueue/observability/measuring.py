"""Events become figures, where JOBQUEUE["METRICS"] asks for them."""

from collections.abc import Callable, Mapping
from typing import Any

from django_jobqueue import conf
from django_jobqueue.core.figures import Figures
from django_jobqueue.core.figures import figures as figures_of_process
from django_jobqueue.core.specs import ClaimedJob, Transition

from . import definitions as metrics
from .catalogue import EVENTS
from .extras import is_installed
from .labels import OTHER, Labels

#: Told besides the outcome of the same job, so that nobody waits for it to be counted.
_NOT_COUNTED = "job.started"
#: Why a job lives on after a claim, by the outcome of its run.
_LIVING = {"failed": "retrying", "snoozed": "snoozed", "rescued": "rescued"}


def is_measuring() -> bool:
    """Whether this site wants figures, and can have them."""
    return conf.current().metrics and is_installed("prometheus_client")


def is_measured(name: str) -> bool:
    """Whether anything is counted because of this event."""
    return name != _NOT_COUNTED and is_measuring()


class Measuring:
    """Subscribed to an EventBus: what comes of each event is added to the figures."""

    def __init__(
        self, figures: Figures = figures_of_process, *, labels: Labels | None = None
    ) -> None:
        self._figures, self._labels = figures, labels or Labels()
        self._measures: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "job.enqueued": self._enqueued,
            **dict.fromkeys(
                ("job.succeeded", "job.cancelled", "job.dead", "job.rescheduled"), self._ended
            ),
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

    def _ended(self, facts: Mapping[str, Any]) -> None:
        job: ClaimedJob = facts["job"]
        transition: Transition = facts["transition"]
        labels = queue, handler = self._labels.queue(job.queue), self._labels.handler(job.handler)
        self._figures.count(metrics.OUTCOMES.name, (*labels, outcome_of(transition)))
        if transition.reason is not None:
            self._figures.count(metrics.DEAD.name, (*labels, transition.reason.value))
        if (seconds := facts.get("wait_seconds")) is not None:
            self._observe(metrics.WAIT, (queue,), seconds)
        if (seconds := facts.get("run_seconds")) is not None:
            self._observe(metrics.RUN, (handler,), seconds)

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
