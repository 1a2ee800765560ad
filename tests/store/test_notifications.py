"""A connection that hears NOTIFY, and what it sends to itself."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.db import connection

from django_jobqueue.core.limits import Limits
from django_jobqueue.core.specs import FinishedJob, NewJob, Transition, WantedJobs
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.notifications import Notifications
from django_jobqueue.store.postgresql import CHANNEL

from .helpers import claim, register_worker

PATIENCE = 20.0
pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def notifications() -> Iterator[Notifications]:
    made = Notifications("default")
    yield made
    made.close()


def listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'django_jobqueue listener'"
        )
        return int(cursor.fetchone()[0])


def test_it_hears_which_queues_are_notified(notifications: Notifications) -> None:
    assert notifications.wait(0.0) == []

    store_for("default").notify(["mail", "reports"])

    heard: list[str] = []
    while len(heard) < 2:
        some = notifications.wait(PATIENCE)
        assert some
        heard += some
    assert heard == ["mail", "reports"]
    assert notifications.wait(0.0) == []


def test_its_proof_comes_back_to_it_alone(notifications: Notifications) -> None:
    other = Notifications("default")
    try:
        assert other.proof != notifications.proof
        notifications.send_proof()  # it listens from here on
        assert notifications.wait(PATIENCE) == [notifications.proof]
    finally:
        other.close()


def test_a_proof_is_sent_on_a_connection_of_its_own_that_is_closed(
    notifications: Notifications,
) -> None:
    notifications.send_proof()

    [heard] = notifications._listening().notifies(timeout=PATIENCE, stop_after=1)

    assert heard.pid != notifications._listening().info.backend_pid
    # A backend that was told to end may still be seen for a moment.
    assert any(listeners() == 1 for _ in range(1000))


def test_it_prepares_nothing(notifications: Notifications) -> None:
    session = notifications._session
    session.rows(f"LISTEN {CHANNEL}", {})

    assert session.rows("SELECT count(*) FROM pg_prepared_statements", {}) == [(0,)]


def test_it_listens_again_on_a_new_connection(notifications: Notifications) -> None:
    notifications.send_proof()
    assert notifications.wait(PATIENCE) == [notifications.proof]

    notifications._session.connection.close()
    notifications.send_proof()

    assert notifications.wait(PATIENCE) == [notifications.proof]


def test_closing_it_ends_its_connection(notifications: Notifications) -> None:
    notifications.wait(0.0)
    listening = notifications._session.connection

    notifications.close()

    assert listening.closed


def in_a_finish(store: JobStore, done: FinishedJob) -> None:
    store.finish_many([done])


def in_a_finish_that_claims_within_limits(store: JobStore, done: FinishedJob) -> None:
    wanted = [WantedJobs("elsewhere", 1)]
    asked = {"worker_id": done.job.worker_id, "token": uuid4(), "wanted": wanted, "total": 1}
    store.finish_and_claim([done], **asked, limits=Limits())


@pytest.mark.parametrize("write", [in_a_finish, in_a_finish_that_claims_within_limits])
@pytest.mark.parametrize(
    ("end", "told"),
    [
        (Transition(state=JobState.SUCCEEDED), ["mail"]),
        (Transition(state=JobState.DEAD, reason=DeathReason.DISCARDED), []),
    ],
)
def test_the_queue_of_what_goes_on_after_a_success_is_told(
    notifications: Notifications,
    write: Callable[[JobStore, FinishedJob], None],
    end: Transition,
    told: list[str],
) -> None:
    store = store_for("default")
    store.insert_chain(
        [NewJob(handler="a", concurrency_key="k"), NewJob(handler="b", queue="mail")]
    )
    [job] = claim(store, register_worker(store), limits=Limits())
    notifications.wait(0.0)  # it listens from here on

    write(store, FinishedJob(job, end))
    store.notify(["the last"])

    heard: list[str] = []
    while "the last" not in heard:
        some = notifications.wait(PATIENCE)
        assert some
        heard += some
    assert heard == [*told, "the last"]
