"""Nothing that one test has committed is there for the next."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection

from django_jobqueue.models import Job
from django_jobqueue.store.sessions import PsycopgSession

from .emptying import empty_tables

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
