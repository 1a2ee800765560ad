import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.failpoints.points import FOLDER, Failpoints

from .processes import Deployment, url_of_the_suite


@pytest.fixture
def deployment(transactional_db: None, tmp_path: Path) -> Iterator[Deployment]:
    """A site whose workers are processes; none of them outlives the test."""
    it = Deployment(url=url_of_the_suite(), folder=tmp_path)
    yield it
    for process in it.processes:
        process.kill()


@pytest.fixture
def no_child_is_left(deployment: Deployment) -> Iterator[None]:
    """For tests whose workers may be gone before their children."""
    yield
    for process in deployment.processes:
        process.kill()
        for pid in process.children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def failpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Failpoints:
    """What is armed here happens in the processes that are started from now on."""
    folder = tmp_path / "failpoints"
    folder.mkdir()
    monkeypatch.setenv(FOLDER, str(folder))
    return Failpoints(folder)
