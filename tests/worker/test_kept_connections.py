"""What a handler sets in the session of a connection that is kept, the next job does not meet."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from django_jobqueue.models import QueueRecord
from django_jobqueue.store.sessions import PsycopgSession

from .site import COMMITTED

pytestmark = [COMMITTED, pytest.mark.usefixtures("kept")]


def can_write() -> bool:
    QueueRecord.objects.create(name="look")
    return not connection.in_atomic_block


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site keeps its connections from job to job."""
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)


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


@pytest.mark.postgresql
@pytest.mark.parametrize("receives", [False, True], ids=["plain", "receiver"])
def test_one_that_died_while_it_was_kept_is_found_out_where_the_site_asks_for_that(
    after: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, receives: bool
) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)

    def look_around(connection: Any, **_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def die_and_look() -> bool:
        lost = connection.connection.info.backend_pid
        other = PsycopgSession("default", prepared=False)
        try:
            other.rows("SELECT pg_terminate_backend(%(pid)s, 10000)", {"pid": lost})
        finally:
            other.close()
        return not QueueRecord.objects.filter(name="nothing").exists()

    if receives:
        connection_created.connect(look_around)
    try:
        seen, _ = after(can_write, die_and_look)
    finally:
        connection_created.disconnect(look_around)

    assert seen is True
