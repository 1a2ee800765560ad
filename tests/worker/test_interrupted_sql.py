"""A handler that is interrupted while it waits for its database: the statement is cancelled."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue import JobState, JobTimedOut, cancel
from django_jobqueue.service.threads import caught
from django_jobqueue.store import store_for
from django_jobqueue.store.transient import is_cancelled_statement
from django_jobqueue.worker.arming import Armed
from django_jobqueue.worker.connections import cancel_statements, connections_of_thread
from django_jobqueue.worker.hands import HeldJob
from django_jobqueue.worker.timeouts import TimeoutWatch
from django_jobqueue.worker.watching import Watching
from tests.claims import a_claim

from .site import COMMITTED, PATIENCE, Site, the_attempt_of, within
from .statements import ask, wait_in_sql

pytestmark = COMMITTED

TIMED_OUT = "django_jobqueue.core.errors.JobTimedOut"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that handlers use are kept from job to job."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)


@pytest.mark.usefixtures("kept")
def test_its_timeout_ends_it_at_once_and_its_connection_with_it(site: Site) -> None:
    used: list[object] = []

    def noting(work: Callable[[], None]) -> Callable[[], None]:
        def noted() -> None:
            connection.ensure_connection()
            used.append(connection.connection)
            work()

        return noted

    stuck = site.job(noting(wait_in_sql), name="stuck", timeout=0.5, max_attempts=1).enqueue()
    after = site.job(noting(ask), name="after").enqueue()
    site.work(concurrency=1)

    assert stuck.refresh().state == JobState.DEAD
    assert the_attempt_of(stuck).error_type == TIMED_OUT
    assert "wait_in_sql" in the_attempt_of(stuck).traceback, "where it was stuck"
    assert after.refresh().state == JobState.SUCCEEDED
    assert used[0] is not used[1]


def test_a_handler_that_catches_the_error_of_its_statement_is_interrupted_all_the_same(
    site: Site,
) -> None:
    @site.job(timeout=0.2, max_attempts=1)
    def go_on() -> None:
        with suppress(OperationalError):
            wait_in_sql()
        while True:
            pass

    handle = go_on.enqueue()
    site.work()

    assert the_attempt_of(handle).error_type == TIMED_OUT


def test_its_cancellation_ends_it(site: Site) -> None:
    began = threading.Event()

    @site.job
    def stuck() -> None:
        # Whoever is interrupted while connecting leaves a connection that nobody can close.
        connection.ensure_connection()
        began.set()
        wait_in_sql()

    handle = stuck.enqueue()
    with site.working(timeout_grace=0.1, heartbeat_interval=0.05, lease=5):
        assert began.wait(PATIENCE)
        cancel(handle.id)
        assert handle.wait(PATIENCE).state == JobState.CANCELLED


def test_the_end_of_its_worker_gives_it_back(site: Site) -> None:
    began = threading.Event()

    @site.job
    def stuck() -> None:
        # Whoever is interrupted while connecting leaves a connection that nobody can close.
        connection.ensure_connection()
        began.set()
        wait_in_sql()

    handle = stuck.enqueue()
    with site.working(drain=0) as it:
        assert began.wait(PATIENCE)
        it.worker.stop()
        it.end()
        assert not it.worker.abandoned

    assert (handle.refresh().state, handle.snapshot.attempt) == (JobState.READY, 0)
    assert the_attempt_of(handle).outcome == "released"


def test_an_error_of_its_own_that_was_not_cancelled_is_kept(site: Site) -> None:
    @site.job(timeout=30, max_attempts=1)
    def ask_wrongly() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing_of_this_name")

    handle = ask_wrongly.enqueue()
    site.work()

    assert "nothing_of_this_name" in the_attempt_of(handle).message


def test_a_connection_on_which_nothing_runs_is_left_alone() -> None:
    store_for("default").database_now()

    Armed(None, connections=connections_of_thread()).fire(JobTimedOut)

    assert store_for("default").database_now() is not None


def error_of_a_cancelled_statement() -> BaseException:
    errors: list[BaseException | None] = []
    connections_of_it: list[BaseDatabaseWrapper] = []

    def wait() -> None:
        connections_of_it.extend(connections_of_thread())
        errors.append(caught(wait_in_sql))
        connection.close()

    thread = threading.Thread(target=wait)
    thread.start()

    def has_ended() -> bool:
        cancel_statements(connections_of_it)
        return not thread.is_alive()

    assert within(PATIENCE, has_ended)
    assert errors[0] is not None
    return errors[0]


def test_a_statement_that_was_cancelled_is_told_from_one_that_failed() -> None:
    assert is_cancelled_statement(error_of_a_cancelled_statement())
    assert not is_cancelled_statement(OperationalError("database is locked"))


def test_the_error_of_the_statement_counts_as_the_interrupt_that_cancelled_it() -> None:
    error, watching = error_of_a_cancelled_statement(), Watching()
    held = HeldJob(a_claim(), None)

    def end_before_the_interrupt_comes() -> None:
        assert held.armed is not None
        held.armed.thread_id = None
        held.armed.fire(JobTimedOut)
        raise error

    with pytest.raises(JobTimedOut) as raised:
        TimeoutWatch(watching).run(held, end_before_the_interrupt_comes)

    assert raised.value.__cause__ is error
