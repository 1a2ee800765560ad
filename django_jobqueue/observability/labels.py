"""Values of labels: what this site's code declares, and "other" for whatever a row may say."""

from collections.abc import Callable, Sequence

from django_jobqueue import conf
from django_jobqueue.core.health import Health, QueueHealth
from django_jobqueue.jobs.registry import Registry, registry

OTHER = "other"
DEFAULT_QUEUE = "default"
#: How many of the queues that nobody declares are looked at for the sum of the others.
OTHERS_LOOKED_AT = 50


def _of_settings() -> Sequence[str]:
    return conf.current().metrics_queues


class Labels:
    """There are as many values as the code and the settings name, whatever is enqueued.

    Handlers go by their own name, where a job bears an alias. Known are the queues that handlers
    declare, the default one, and those that `named` returns: JOBQUEUE["METRICS_QUEUES"].
    """

    def __init__(
        self, known: Registry = registry, *, named: Callable[[], Sequence[str]] = _of_settings
    ) -> None:
        self._registry, self._named = known, named
        self._found: tuple[object, frozenset[str]] = (None, frozenset())

    def handler(self, name: str) -> str:
        """Return the value for a handler."""
        return self._registry.get(name).name if name in self._registry else OTHER

    def queue(self, name: str) -> str:
        """Return the value for a queue."""
        return name if name in self.queues() else OTHER

    def queues(self) -> frozenset[str]:
        """Return the known queues."""
        named = self._named()
        of = (self._registry.revision, named)
        if self._found[0] != of:
            declared = {one.options.queue for one in self._registry if one.options.queue}
            self._found = of, frozenset({DEFAULT_QUEUE, *declared, *named})
        return self._found[1]

    def to_look_at(self, names: Sequence[str]) -> Sequence[str]:
        """Return the queues whose numbers are wanted, when those of `names` have ready jobs."""
        known = self.queues()
        others = [name for name in names if name not in known]
        return [*sorted(known), *others[:OTHERS_LOOKED_AT]]

    def summed(self, health: Health) -> Sequence[QueueHealth]:
        """Return the numbers of the known queues and, if there are others, of these in one."""
        known = self.queues()
        others = [one for one in health.queues if one.queue not in known]
        mine = [one for one in health.queues if one.queue in known]
        return [*mine, _sum_of(others)] if others else mine


def _sum_of(queues: Sequence[QueueHealth]) -> QueueHealth:
    return QueueHealth(
        queue=OTHER,
        ready=sum(one.ready for one in queues),
        oldest_wait=max(one.oldest_wait for one in queues),
        is_paused=all(one.is_paused for one in queues),
    )
