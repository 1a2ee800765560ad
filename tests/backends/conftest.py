from collections.abc import Iterator
from copy import copy
from typing import Any

import pytest

from django_jobqueue.backends.framework import base, signals
from django_jobqueue.events import events
from django_jobqueue.jobs.registry import registry
from tests.jobs.conftest import away, spool  # noqa: F401 - fixtures
from tests.worker.conftest import apart, site  # noqa: F401 - fixtures
from tests.worker.site import Site


class TaskWorker(Site):
    """A worker of the tasks that this process has declared."""

    def build(self, **settings: Any) -> Any:
        options = {"registry": registry, "events": events, **(settings.pop("options", None) or {})}
        return super().build(options=options, **settings)


@pytest.fixture
def worker() -> TaskWorker:
    """A module that works with it says `pytestmark = COMMITTED`."""
    return TaskWorker()


Told = list[tuple[str, type, Any]]


@pytest.fixture
def told() -> Iterator[Told]:
    """What the signals of the framework have told: name, sender, result."""
    heard: Told = []
    receivers = {}

    def hears(name: str) -> Any:
        def receive(sender: type, task_result: Any, **kwargs: Any) -> None:
            heard.append((name, sender, copy(task_result)))  # a refresh changes it

        return receive

    for name in ("task_enqueued", "task_started", "task_finished"):
        receivers[name] = hears(name)
        getattr(signals, name).connect(receivers[name])
    yield heard
    for name, receive in receivers.items():
        getattr(signals, name).disconnect(receive)


@pytest.fixture
def log_of_tasks() -> str:
    """The logger of the framework."""
    return base.__package__
