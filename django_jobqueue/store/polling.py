"""One look for everything that the duties of a host do."""

from datetime import datetime

from django_jobqueue.core.due import Due

from .connected import ConnectedStore


class PollingStore(ConnectedStore):
    """One statement, of which each part is a probe of an index."""

    def due(self, *, since: datetime | None = None, now: datetime | None = None) -> Due:
        clock = None if now is None else self.time_text(now)
        name, asked = "due", {"now": clock}
        if since is not None and self.supports_watermarks:
            name, asked = "due_since", {"now": clock, "since": self.time_text(since)}
        [found] = self.run(name, asked)
        ready, suspects, scheduled, slot, has_ended, waiting, lost, up_to = found
        return Due(
            has_ready=bool(ready),
            has_suspects=bool(suspects),
            scheduled_seconds=_from_now(scheduled),
            # A span that begins at the end of an occurrence has no slot before somebody has looked.
            slot_seconds=0.0 if has_ended else _from_now(slot),
            has_waiting=bool(waiting),
            has_lost=bool(lost),
            up_to=self.aware_or_none(up_to),
        )


def _from_now(seconds: float | None) -> float | None:
    return None if seconds is None else max(0.0, seconds)
