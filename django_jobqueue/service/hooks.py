"""What runs after the tasks of a service, in order, whatever happened before."""

from collections.abc import Callable
from dataclasses import dataclass

from .errors import ServiceError, ShutdownHookFailed, ShutdownHookTimedOut
from .threads import caught, first_caught, service_thread


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownHook:
    name: str
    run: Callable[[], object]

    def outcome(self, *, timeout: float, after_thread: Callable[[], object]) -> ServiceError | None:
        """Run the hook in a thread, for at most `timeout` seconds; return what went wrong."""
        outcomes: list[BaseException | None] = []
        thread = service_thread(
            f"hook-{self.name}", lambda: outcomes.append(first_caught(self.run, after_thread))
        )
        if (error := caught(thread.start)) is None:
            thread.join(timeout)
            if not outcomes:
                return ShutdownHookTimedOut(self.name, timeout=timeout)
            error = outcomes[0]
        return None if error is None else ShutdownHookFailed(self.name, cause=error)
