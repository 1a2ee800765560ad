"""A listener that proves that somebody hears, a step at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django_jobqueue.events import EventBus
from django_jobqueue.store import store_for
from django_jobqueue.store.notifications import Notifications
from django_jobqueue.worker.hearing import Hearing
from django_jobqueue.worker.listener import Listener
from tests.elsewhere import elsewhere

from .bench import Time
from .site import PATIENCE, Told, within


class Proving:
    """A listener, and the pause of whoever hears for it, both a step at a time."""

    def __init__(self) -> None:
        self.time, self.told, bus = Time(), Told(), EventBus()
        bus.subscribe(self.told)
        self.wakes: list[str | None] = []
        self.proofs: list[bool] = []  #: of each that is sent, whether it was to arrive
        self.arrive = True
        self.notifications = Notifications.apart("default")
        self.hearing = Hearing(
            serves=lambda queue: queue == "mail",
            wake=self.wakes.append,
            look=lambda: None,
            elapsed=self.time,
        )
        self.hearing.listens_with(self.notifications)
        self.listener = Listener(self.hearing, events=bus, elapsed=self.time)
        send = self.notifications.send

        def send_and_count(payload: str) -> None:
            self.proofs.append(self.arrive)
            if self.arrive:
                send(payload)

        self.notifications.send = send_and_count  # type: ignore[method-assign]

    def pause(self) -> None:
        """One that takes no time."""
        self.hearing._hear_by = float("-inf")
        self.hearing.set()
        self.hearing.wait()
        self.hearing.clear()

    def hears(self) -> "Proving":
        """Return once a proof has come back."""
        self.notifications.connect()
        self.pause()
        self.until(lambda: self.listener.hears)
        self.wakes.clear()
        return self

    def until(self, condition: Callable[[], object]) -> None:
        def stepped() -> bool:
            self.listener.tick()
            self.pause()
            return bool(condition())

        assert within(PATIENCE, stepped)

    def hears_a_wake_up(self) -> None:
        count = len(self.wakes)
        elsewhere(lambda: store_for("default").notify(["mail"]))

        def heard() -> bool:
            self.pause()
            return len(self.wakes) > count

        assert within(PATIENCE, heard)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """With somebody who hears what comes, but what comes is nothing."""
        self.hearing.is_waiting = True
        yield
        self.hearing.is_waiting = False

    def close(self) -> None:
        self.notifications.close()
        self.hearing.close()
