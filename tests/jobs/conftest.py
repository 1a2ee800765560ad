from collections.abc import Iterator

import pytest

from django_jobqueue.events import events


@pytest.fixture
def told() -> Iterator[list[tuple[str, dict[str, object]]]]:
    """What the bus of the process was told during the test."""
    heard: list[tuple[str, dict[str, object]]] = []

    def listen(name: str, facts: dict[str, object]) -> None:
        heard.append((name, dict(facts)))

    events.subscribe(listen)
    yield heard
    events.unsubscribe(listen)
