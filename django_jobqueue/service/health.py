"""How a process is: the worst of what its components report."""

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from .checks import CheckedComponent
from .errors import DuplicateComponent, describe
from .statuses import Check, Health, HealthReport, HealthStatus


class _Component(Protocol):
    def begin(self) -> Callable[[], Health]:
        """Begin to ask, without waiting; return what waits for the answer."""
        ...


class _Reported:
    """The value that an updater writes and the registry reads.

    The registry holds this and not the updater, so that an updater can be dropped.
    """

    def __init__(self) -> None:
        self._health = Health(status=HealthStatus.NOT_READY)
        self._is_final = False
        # Reentrant: a dropped updater is finalised by whatever thread collects it, also within.
        self._lock = threading.RLock()

    def write(self, health: Health | None, *, is_final: bool) -> None:
        with self._lock:
            if not self._is_final:
                self._health = health or self._health
                self._is_final = is_final

    def begin(self) -> Callable[[], Health]:
        return lambda: self._health


class HealthUpdater:
    """A component's pen: what it writes is its health, NotReady until the first `update`.

    As a context manager it leaves ShutDown, or Panicked if an exception leaves the block. Dropped
    without one it does the same as far as Python lets it: an exception keeps the variables of the
    functions that it left alive, and so the updater, until it has been handled.
    """

    def __init__(self, reported: _Reported) -> None:
        self._reported = reported

    def update(self, status: HealthStatus, **details: object) -> None:
        """Report; without effect once the updater was left or frozen."""
        self._reported.write(Health(status=status, details=details), is_final=False)

    def freeze(self) -> None:
        """Keep the last value for good, also when this updater is left or dropped."""
        self._reported.write(None, is_final=True)

    def _end(self, error: BaseException | None) -> None:
        status = HealthStatus.SHUT_DOWN if error is None else HealthStatus.PANICKED
        details = {} if error is None else {"error": describe(error)}
        self._reported.write(Health(status=status, details=details), is_final=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(error)

    def __del__(self) -> None:
        self._end(sys.exception())


class HealthRegistry:
    """The components that report, each by an updater or by a check.

    A check that takes longer than `slow_after` seconds is marked and logged; one that takes longer
    than `failed_after` counts as NotReady, one that raises as Panicked.
    """

    def __init__(self, *, slow_after: float = 0.5, failed_after: float = 3.0) -> None:
        self.slow_after = slow_after
        self.failed_after = failed_after
        self._lock = threading.Lock()
        self._components: dict[str, _Component] = {}

    def updater(self, name: str) -> HealthUpdater:
        """Add a component that writes its health; raises `DuplicateComponent`."""
        reported = _Reported()
        self._add(name, reported)
        return HealthUpdater(reported)

    def add_check(self, name: str, check: Check) -> None:
        """Add a component that is asked at every report; raises `DuplicateComponent`."""
        limits = {"slow_after": self.slow_after, "failed_after": self.failed_after}
        self._add(name, CheckedComponent(name, check, **limits))

    def report(self) -> HealthReport:
        """Ask all components at once; takes as long as the slowest, at most `failed_after`."""
        with self._lock:
            components = dict(self._components)
        begun = {name: component.begin() for name, component in components.items()}
        return HealthReport(components={name: answer() for name, answer in begun.items()})

    def _add(self, name: str, component: _Component) -> None:
        with self._lock:
            if name in self._components:
                raise DuplicateComponent(name)
            self._components[name] = component
