from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import Deployment, url_of_the_suite


@pytest.fixture
def deployment(transactional_db: None, tmp_path: Path) -> Iterator[Deployment]:
    """A site whose workers are processes; none of them outlives the test."""
    it = Deployment(url=url_of_the_suite(), folder=tmp_path)
    yield it
    for process in it.processes:
        process.kill()
