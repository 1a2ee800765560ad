"""What a component can report, and what all of them amount to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class HealthStatus(Enum):
    """How a component is, from best to worst."""

    READY = "Ready"
    AFFECTED = "Affected"
    SHUTTING_DOWN = "ShuttingDown"
    SHUT_DOWN = "ShutDown"
    NOT_READY = "NotReady"
    PANICKED = "Panicked"

    @property
    def is_healthy(self) -> bool:
        return self in (HealthStatus.READY, HealthStatus.AFFECTED)

    @classmethod
    def worst_of(cls, statuses: Iterable["HealthStatus"]) -> "HealthStatus":
        """Return the worst; Ready if there are none."""
        return max(statuses, key=list(cls).index, default=cls.READY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What one component reports. `is_slow`: its check took longer than it should."""

    status: HealthStatus
    details: Mapping[str, object] = field(default_factory=dict)
    is_slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """What all components reported, by name in order of registration."""

    components: Mapping[str, Health]

    @property
    def status(self) -> HealthStatus:
        return HealthStatus.worst_of(health.status for health in self.components.values())

    @property
    def is_healthy(self) -> bool:
        return self.status.is_healthy


#: Says how its component is when it is asked.
Check = Callable[[], HealthStatus | Health]
