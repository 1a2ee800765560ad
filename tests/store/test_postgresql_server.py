"""What stands between a store and its tables on PostgreSQL."""

import pytest
from django.db import connection, transaction

from django_jobqueue.store import store_for

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_a_server_is_read_only_where_it_says_so() -> None:
    store = store_for("default")
    assert store.is_read_only() is False

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        assert store.is_read_only() is True


def test_without_a_pooler_no_session_is_shared() -> None:
    assert store_for("default").has_shared_sessions() is False
