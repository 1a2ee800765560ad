from collections.abc import Iterator

import pytest

from django_jobqueue.jobs.registry import Registry

from .sites import AliasOf


@pytest.fixture
def alias_of() -> Iterator[AliasOf]:
    adds = AliasOf()
    yield adds
    adds.remove()


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The handlers that the checks see, none at first."""
    handlers = Registry()
    monkeypatch.setattr("django_jobqueue.checks.handlers.registry", handlers)
    return handlers
