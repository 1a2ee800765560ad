"""The store on a psycopg connection of its own, as the pump has it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claimed, finish, register_worker

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=[True, False], ids=["prepared", "not prepared"])
def dedicated(request: pytest.FixtureRequest) -> Iterator[JobStore]:
    store = store_for("default").dedicated(prepared=request.param)
    yield store
    store.close()


def test_what_a_claim_wrote_is_known_by_its_token(dedicated: JobStore) -> None:
    store, worker = store_for("default"), register_worker()
    archived, dead, running = (claimed(store, worker) for _ in range(3))
    finish(dedicated, archived, JobState.SUCCEEDED)
    finish(dedicated, dead, JobState.DEAD, reason=DeathReason.DISCARDED)
    asked = [(job.id, job.claim_token) for job in (archived, dead, running)]

    # More than once: the plan of a prepared statement comes with its repetition.
    for _ in range(7):
        assert dedicated.written_under(asked) == {archived.id, dead.id}
    assert dedicated.written_under([(archived.id, uuid4()), (99_999, uuid4())]) == set()
    assert dedicated.written_under([]) == set()
