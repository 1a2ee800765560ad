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
from django_jobqueue.store.sessions import PsycopgSession
from tests.worker.site import within

from .helpers import claim, register_worker

PATIENCE = 20.0
pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def notifications() -> Iterator[Notifications]:
    made = Notifications.apart("default")
    made.connect()
    made.listen()
    yield made
    made.close()


def listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'django_jobqueue listener'"
        )
        return int(cursor.fetchone()[0])


def heard_by(notifications: Notifications, *, until: str) -> list[str]:
    """All that comes, up to this."""
    heard: list[str] = []

    def has_come() -> bool:
        for some in notifications.take():
            heard.extend(some)
        return until in heard

    assert within(PATIENCE, has_come)
    return heard


def test_it_hears_which_queues_are_notified(notifications: Notifications) -> None:
    assert notifications.take() == ([], [])

    store_for("default").notify(["mail", "reports"])

    assert heard_by(notifications, until="reports") == ["mail", "reports"]
    assert notifications.take() == ([], [])


def test_what_comes_beside_the_answer_to_a_statement_is_kept(notifications: Notifications) -> None:
    store_for("default").notify(["mail"])
    while not notifications._beside:
        assert notifications._session.rows("SELECT 1", {}) == [(1,)]

    assert notifications.take() == (["mail"], [])
    assert notifications.take() == ([], [])


def test_what_is_sent_comes_on_a_connection_of_its_own_that_is_closed(
    notifications: Notifications,
) -> None:
    pids: list[int] = []
    notifications.connection.add_notify_handler(lambda one: pids.append(one.pid))
    notifications.send("proof")
    while not pids:
        notifications._session.rows("SELECT 1", {})

    assert notifications.take() == (["proof"], [])
    assert pids != [notifications.connection.info.backend_pid]
    # A backend that was told to end may still be seen for a moment.
    assert within(PATIENCE, lambda: listeners() == 1)


def test_it_prepares_nothing(notifications: Notifications) -> None:
    session = notifications._session

    assert session.rows("SELECT count(*) FROM pg_prepared_statements", {}) == [(0,)]


def test_on_the_connection_of_a_pump_it_prepares_nothing_either() -> None:
    session = PsycopgSession("default")
    notifications = Notifications(session)
    try:
        notifications.connect()
        assert notifications.listen()
        texts = session.rows("SELECT statement FROM pg_prepared_statements", {})
        assert not [text for (text,) in texts if "LISTEN" in text]
    finally:
        notifications.close()


def test_it_listens_once_on_each_connection(notifications: Notifications) -> None:
    assert not notifications.listen()
    first = notifications.connection

    notifications._session.close()
    assert notifications.connection is None
    assert not notifications.listen()
    assert notifications.take() == ([], [])
    notifications.connect()
    assert notifications.connection is None
    assert notifications.listen()

    assert notifications.connection not in (None, first)
    notifications.send("proof")
    assert heard_by(notifications, until="proof") == ["proof"]


def test_a_connection_that_refuses_is_asked_once(
    notifications: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psycopg.errors import SyntaxError

    notifications.close()
    notifications.connect()
    monkeypatch.setattr("django_jobqueue.store.notifications.CHANNEL", "no channel")
    with pytest.raises(SyntaxError):
        notifications.listen()
    monkeypatch.undo()

    assert not notifications.listen()
    assert notifications.connection is None
    assert notifications._session.rows("SELECT 1", {}) == [(1,)]
    notifications.close()
    notifications.connect()
    assert notifications.listen()


def test_a_lost_connection_is_an_error(notifications: Notifications) -> None:
    from psycopg import OperationalError

    pid = notifications.connection.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])

    with pytest.raises(OperationalError):
        heard_by(notifications, until="nothing")


def test_closing_it_ends_its_connection(notifications: Notifications) -> None:
    listening = notifications.connection

    notifications.close()

    assert listening.closed
    assert notifications.take() == ([], [])


def test_a_store_on_djangos_connection_hears_nothing() -> None:
    assert store_for("default").notifications() is None


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

    write(store, FinishedJob(job, end))
    store.notify(["the last"])

    assert heard_by(notifications, until="the last") == [*told, "the last"]
