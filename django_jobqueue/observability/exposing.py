"""What a worker, and a web process, say of themselves to who scrapes them.

What needs the extra `prometheus` is imported when the first text is asked for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from django_jobqueue.core.figures import Figures
from django_jobqueue.core.figures import figures as figures_of_process
from django_jobqueue.core.health import Health
from django_jobqueue.events import EventBus
from django_jobqueue.events import events as events_of_process
from django_jobqueue.service import ServiceTask
from django_jobqueue.worker.hygiene import close_connections
from django_jobqueue.worker.metrics import Metrics
from django_jobqueue.worker.standing import Standing

from . import definitions as metrics
from .labels import Labels
from .measuring import Measuring, is_measured, is_measuring
from .queues import QueueLook, QueueSampling, look_at

Values = Sequence[tuple[tuple[str, ...], float]]


class WorkerMetrics:
    """The metrics of one worker: what it and its children have counted, how it stands, and how the
    queues are doing.
    """

    def __init__(
        self,
        *,
        figures: Figures = figures_of_process,
        labels: Labels | None = None,
        look: QueueLook | None = None,
    ) -> None:
        self._figures, self._labels = figures, labels or Labels()
        self._look = look or QueueLook(look_at(self._labels.to_look_at))

    def tasks(self) -> Sequence[ServiceTask]:
        """Return what has to run beside the worker."""
        # A connection that is used four times a minute is not worth keeping.
        return [QueueSampling(self._look, after_tick=close_connections)]

    @contextmanager
    def listening(self, events: EventBus) -> Iterator[None]:
        """Count the events of a bus that is not that of the process, which are counted anyway."""
        if events is events_of_process:
            yield
            return
        mine = Measuring(self._figures, labels=self._labels)
        events.subscribe(mine, wants=is_measured)
        try:
            yield
        finally:
            events.unsubscribe(mine)

    def exposition(self, standing: Standing) -> str:
        """Return the text of `/metrics`; it asks nobody anything."""
        from .prometheus import GaugeCollector, JobQueueCollector, text_of

        gauges = gauges_of_worker(standing) | gauges_of_site(self._look.latest(), self._labels)
        return text_of(JobQueueCollector(self._figures), GaugeCollector(gauges))


def metrics_of_worker() -> Metrics | None:
    """Return what a worker of this site exposes; None where plain text has to do."""
    return WorkerMetrics() if is_measuring() else None


def gauges_of_worker(standing: Standing) -> dict[metrics.Metric, Values]:
    """Return how a worker stands."""
    age = standing.heartbeat_age
    return {
        metrics.READY: [((), int(standing.why_not_ready is None))],
        metrics.PROCESSES: [
            ((state,), getattr(standing, state)) for state in ("starting", "polling", "retiring")
        ],
        metrics.IN_HAND: [((), standing.in_hand)],
        metrics.HEARTBEAT_AGE: [] if age is None else [((), age)],
    }


def gauges_of_site(health: Health | None, labels: Labels) -> dict[metrics.Metric, Values]:
    """Return how its queues and workers are doing; nothing where that is not known."""
    queues = () if health is None else labels.summed(health)
    return {
        metrics.QUEUE_READY: [((one.queue,), one.ready) for one in queues],
        metrics.QUEUE_WAIT: [((one.queue,), one.oldest_wait) for one in queues],
        metrics.QUEUE_PAUSED: [((one.queue,), int(one.is_paused)) for one in queues],
        metrics.WORKERS: [] if health is None else [((), health.workers)],
    }


@cache
def look_of_process() -> tuple[QueueLook, Labels]:
    """Return what this web process has seen of the queues."""
    labels = Labels()
    return QueueLook(look_at(labels.to_look_at)), labels


def exposition_of_site(*, counted_here: bool) -> str:
    """Return what a web process says: how the queues are doing and, with `counted_here`, what was
    counted in it. The errors are those of `jobs.health.examine`, unless it knows from a moment ago.
    """
    from .prometheus import GaugeCollector, JobQueueCollector, text_of

    look, labels = look_of_process()
    try:
        look.refresh_if_old()
    except Exception:
        if look.latest() is None:
            raise
    gauges = GaugeCollector(gauges_of_site(look.latest(), labels))
    return text_of(JobQueueCollector(), gauges) if counted_here else text_of(gauges)
