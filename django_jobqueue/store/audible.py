"""What being heard by other processes asks of a store: a part of its contract."""

from collections.abc import Sequence

from .notifications import Notifications


class Audible:
    """Where the database tells nobody, these do nothing, and others look by themselves."""

    supports_notify = False  #: can wake a listener in another process

    def notify(self, queues: Sequence[str]) -> None:
        """Wake listeners of these queues; nothing where the database cannot."""

    def notifications(self) -> Notifications | None:
        """Return what hears wake-ups on a connection that the store has to itself, if it has."""
        return None
