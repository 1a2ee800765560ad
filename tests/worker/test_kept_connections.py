"""What a handler sets in the session of a connection that is kept, the next job does not meet."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from django_jobqueue.models import QueueRecord
from django_jobqueue.store.sessions import PsycopgSession
from django_jobqueue.worker.hygiene import clean_thread
from django_jobqueue.worker.kept_connections import BUSY_SECONDS, close_kept
from django_jobqueue.worker.runners import ThreadRunners

from .bench import Time
from .site import COMMITTED, PATIENCE, Site

pytestmark = [COMMITTED, pytest.mark.usefixtures("kept")]


def can_write() -> bool:
    QueueRecord.objects.create(name="look")
    return not connection.in_atomic_block


@pytest.fixture(params=[600, 0], ids=["kept", "kept-while-busy"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The site keeps its connections, or wants them closed where no job follows."""
    age: int = request.param
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", age)
    return age


def test_a_sound_connection_serves_the_next_job(after: Callable[..., Any]) -> None:
    used: list[object] = []

    def use() -> None:
        QueueRecord.objects.count()
        used.append(connection.connection)

    after(use, use)

    if connection.vendor == "postgresql":
        assert used[0] is used[1]
    else:
        assert used[0] is not used[1], "nobody can tell what its pragmas were"


@pytest.mark.postgresql
def test_what_was_set_in_its_session_ends_with_the_job(after: Callable[..., Any]) -> None:
    def leave() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 1000")
            cursor.execute("SET TIME ZONE 'Europe/Berlin'")
            cursor.execute("CREATE TEMPORARY TABLE left_behind (id int)")
            cursor.execute("SELECT pg_advisory_lock(4711)")
            cursor.execute("SET default_transaction_read_only = on")
            cursor.execute("SET search_path = nowhere")
            cursor.execute("SET ROLE pg_read_all_data")

    def look() -> list[object]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'), current_setting('TimeZone'),"
                " to_regclass('left_behind')::text, current_user = session_user,"
                " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')"
            )
            seen = list(cursor.fetchone())
        return [*seen, can_write()]

    seen, _ = after(leave, look)

    assert seen == ["0", "UTC", None, True, 0, True]


@pytest.mark.postgresql
def test_what_the_site_sets_in_new_connections_is_set_again(after: Callable[..., Any]) -> None:
    def set_limit(connection: Any, **_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '7s'")

    def look() -> object:
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            return cursor.fetchone()[0]

    connection_created.connect(set_limit)
    try:
        seen, _ = after(look, look)
    finally:
        connection_created.disconnect(set_limit)

    assert seen == "7s"


def test_pragmas_of_a_session_end_with_its_job(after: Callable[..., Any]) -> None:
    def leave() -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA query_only = 1")

    wrote, _ = after(leave, can_write)

    assert wrote is True


def end_session(pid: int) -> None:
    """As an administrator, or a failover, does."""
    other = PsycopgSession("default", prepared=False)
    try:
        other.rows("SELECT pg_terminate_backend(%(pid)s, 10000)", {"pid": pid})
    finally:
        other.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("is_renewed", [True, False], ids=["renewed", "not-yet"])
def test_one_that_died_while_it_was_kept_costs_no_attempt(
    after: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, is_renewed: bool
) -> None:
    monkeypatch.setattr("django_jobqueue.worker.kept_connections.FRESH_SECONDS", PATIENCE)
    if not is_renewed:  # what the server is told, it never answers
        monkeypatch.setattr(
            "django_jobqueue.worker.kept_connections.RENEWAL", "SELECT pg_sleep(60)"
        )
    used: list[int] = []

    def use() -> None:
        can_write()
        used.append(connection.connection.info.backend_pid)

    def die_and_look() -> bool:
        end_session(used[0])
        QueueRecord.objects.all().delete()
        used.append(connection.connection.info.backend_pid)
        return can_write()

    seen, _ = after(use, die_and_look)

    assert seen is True
    assert used[0] != used[1]
    end_session(used[1])  # which may hang, too


@pytest.mark.postgresql
def test_one_that_could_not_be_renewed_is_replaced(
    after: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobqueue.worker.kept_connections.RENEWAL", "SELECT 1 / 0")
    used: list[object] = []

    def use() -> int:
        count = QueueRecord.objects.count()
        used.append(connection.connection)
        return count

    after(use, use)

    assert used[0] is not used[1]


@pytest.mark.postgresql
def test_statements_that_psycopg_has_prepared_are_prepared_anew(
    after: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        **connection.settings_dict["OPTIONS"],
        "prepare_threshold": 0,
        "server_side_binding": True,
    }
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)

    def prepare() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7")
            cursor.execute(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 7'"
            )
            return int(cursor.fetchone()[0])

    seen, _ = after(prepare, prepare)

    assert seen == 1


@pytest.mark.postgresql
def test_a_thread_that_rests_closes_what_was_open_for_its_next_job_only(
    kept: int, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested = threading.Event()
    monkeypatch.setattr(ThreadRunners, "REST_SECONDS", 0.01)
    closed: list[bool] = []
    used: list[Any] = []

    def rest(**options: bool) -> None:
        close_kept(**options)
        closed.append(used[0].closed)
        rested.set()

    def use() -> None:
        can_write()
        used.append(connection.connection)

    monkeypatch.setattr("django_jobqueue.worker.claiming.close_kept", rest)
    site.job(use, name="write").enqueue()
    with site.working(concurrency=1):
        assert rested.wait(PATIENCE)

    assert closed[0] is (kept == 0)


@pytest.mark.postgresql
def test_one_that_is_open_for_the_next_job_is_not_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time()
    monkeypatch.setattr("django_jobqueue.worker.kept_connections.monotonic", time)
    monkeypatch.setattr("django.db.backends.base.base.time", SimpleNamespace(monotonic=time))
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    connection.close()
    seen: list[Any] = []

    for passed in (0.0, BUSY_SECONDS / 2, BUSY_SECONDS):
        time.passes(passed)
        connection.ensure_connection()
        seen.append(connection.connection)
        clean_thread(between_jobs=True)

    assert seen[0] is seen[1]
    assert seen[2].closed, "its time was up"
