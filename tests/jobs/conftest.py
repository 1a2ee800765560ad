from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from django.test import override_settings

from django_jobqueue import Line, conf
from django_jobqueue.events import events
from django_jobqueue.jobs.line_keeper import keeper
from django_jobqueue.jobs.spooling import spool_of
from django_jobqueue.store.spool import Spool
from tests.outage import database_away

from .lines import PATIENCE


@pytest.fixture
def told() -> Iterator[list[tuple[str, dict[str, object]]]]:
    """What the bus of the process was told during the test."""
    heard: list[tuple[str, dict[str, object]]] = []

    def listen(name: str, facts: dict[str, object]) -> None:
        heard.append((name, dict(facts)))

    events.subscribe(listen)
    yield heard
    events.unsubscribe(listen)


class Away(Protocol):
    """Makes the database unreachable for the length of a block."""

    def __call__(self) -> AbstractContextManager[None]: ...


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """The spool of this site, which has one during the test."""
    with override_settings(JOBQUEUE={"SPOOL": tmp_path / "spool"}):
        kept = spool_of(conf.current())
        assert kept is not None
        yield kept


@pytest.fixture
def away(tmp_path: Path) -> Away:
    return partial(database_away, tmp_path)


@pytest.fixture
def keeper_at_rest() -> Iterator[None]:
    """For tests that take cluster-wide lines: its thread ends with the last of them."""
    yield
    assert keeper.join(PATIENCE)


@pytest.fixture
def line() -> Line:
    return Line("api", scope="cluster")
