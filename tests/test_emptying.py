"""Nothing that one test has committed is there for the next."""

import threading

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection

from django_jobqueue.models import Job
from django_jobqueue.store.sessions import PsycopgSession

from .emptying import empty_tables, tables_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_deleted_with_those_that_point_at_them() -> None:
    readers = Group.objects.create(name="readers")
    readers.permissions.add(Permission.objects.all()[0])
    User.objects.create_user("reader").groups.add(readers)
    Job.objects.create()

    empty_tables("default")

    tables = (Job, User, Group, User.groups.through, Group.permissions.through)
    assert [table for table in tables if table.objects.exists()] == []


def test_what_the_migrations_have_made_stays() -> None:
    made = Permission.objects.count(), ContentType.objects.count()

    empty_tables("default")

    assert (Permission.objects.count(), ContentType.objects.count()) == made
    assert all(made)


@pytest.mark.postgresql
def test_it_waits_for_whoever_is_still_writing() -> None:
    session = PsycopgSession("default", prepared=False)
    try:
        with session.atomic(), connection.cursor() as cursor:
            session.rows("INSERT INTO jobqueue_job (handler) VALUES ('late') RETURNING id", {})
            cursor.execute("SET lock_timeout = 100")
            with pytest.raises(DatabaseError, match="lock timeout"):
                empty_tables("default")
    finally:
        session.close()


@pytest.mark.postgresql
def test_of_a_deadlock_with_whoever_is_still_writing_it_is_tried_again() -> None:
    first, *_, last = tables_of("default")
    session, looking = (PsycopgSession("default", prepared=False) for _ in range(2))
    [(pid,)] = session.rows("SELECT pg_backend_pid()", {})

    def want_the_first() -> None:
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND %(pid)s = ANY(pg_blocking_pids(pid))"
        for _ in range(20_000):
            if looking.rows(waits, {"pid": pid}):
                break
        session.rows(f"LOCK TABLE {first} IN ROW EXCLUSIVE MODE", {})
        session.rows("COMMIT", {})

    Job.objects.create()
    wanting = threading.Thread(target=want_the_first)
    try:
        session.rows("BEGIN", {})
        session.rows("SET LOCAL deadlock_timeout = '1h'", {})  # the other notices
        session.rows(f"LOCK TABLE {last} IN ROW EXCLUSIVE MODE", {})
        wanting.start()
        empty_tables("default")
    finally:
        wanting.join(timeout=30)
        session.close()
        looking.close()

    assert not Job.objects.exists()
