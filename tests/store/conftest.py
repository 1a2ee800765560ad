from collections.abc import Iterator

import pytest

from django_jobqueue.store.sessions import PsycopgSession

from .plans import without_dead_rows


@pytest.fixture
def no_dead_rows(db: None) -> Iterator[None]:
    """What other tests have left would be read as well; on PostgreSQL."""
    session = PsycopgSession("default", prepared=False)
    without_dead_rows(session.connection)
    yield
    session.close()
