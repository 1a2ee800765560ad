"""What only the database itself can tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from django_jobqueue import Queue
from django_jobqueue.store import postgresql_server, store_for
from tests import pgbouncer
from tests.acceptance.processes import url_of_the_suite
from tests.debian import needs
from tests.outage import database_away, pointed_at

from .sites import found, ids


class TestWhatIsAsked:
    def test_nothing_unless_the_database_is_named(self):
        # These would fail in the first query: there is no access to the database.
        assert found(deploy=True) == []
        assert found(deploy=True, databases=["other"]) == []
        assert found(databases=["default"]) == []

    @pytest.mark.django_db
    def test_a_database_that_is_well_gets_no_message(self):
        assert found(deploy=True, databases=["default"]) == []

    def test_one_that_is_away_is_told_of_by_others(self, transactional_db: None, tmp_path: Path):
        with database_away(tmp_path):
            assert found(deploy=True, databases=["default"]) == []


@pytest.mark.postgresql
class TestW018:
    @pytest.mark.django_db
    def test_jobqueue_w018_a_database_that_only_reads(self):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")

        told = found(deploy=True, databases=["default"])

        assert ids(told) == ["jobqueue.W018"]
        assert "takes no writes" in told[0].msg


class TestW019:
    @pytest.mark.django_db
    def test_jobqueue_w019_limits_of_a_queue_that_are_at_odds(self):
        Queue("mail").configure(concurrency=5, max_running=4)
        Queue("reports").configure(concurrency=4, max_running=4)

        [warning] = found(deploy=True, databases=["default"])

        assert warning.id == "jobqueue.W019"
        assert "concurrency=5 of the queue 'mail'" in warning.msg


@pytest.mark.postgresql
@needs("pgbouncer")
class TestW017:
    @pytest.fixture(autouse=True)
    def pooled(self, transactional_db: None) -> Iterator[None]:
        with pgbouncer.pgbouncer(url_of_the_suite()) as socket, pointed_at(HOST=str(socket.parent)):
            yield

    def test_jobqueue_w017_a_pooler_in_transaction_mode(self):
        [warning] = found(deploy=True, databases=["default"])

        assert warning.id == "jobqueue.W017"
        assert "before the database 'default'" in warning.msg

    def test_jobqueue_w017_is_not_told_where_server_side_cursors_are_off(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)

        assert found(deploy=True, databases=["default"]) == []
        assert store_for("default").has_shared_sessions()


@pytest.mark.postgresql
@needs("pgbouncer")
class TestAPoolerInSessionMode:
    @pytest.fixture(autouse=True)
    def pooled(self, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setitem(pgbouncer.SETTINGS, "pool_mode", "session")
        monkeypatch.setitem(pgbouncer.SETTINGS, "default_pool_size", "2")
        with pgbouncer.pgbouncer(url_of_the_suite()) as socket, pointed_at(HOST=str(socket.parent)):
            yield

    def test_shares_no_session(self):
        assert not store_for("default").has_shared_sessions()

    def test_that_has_no_session_left_keeps_nobody_waiting(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(postgresql_server, "SECONDS", 0.2)
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")  # from here on, this connection has one of the two

        assert not store_for("default").has_shared_sessions()


@pytest.mark.postgresql
def test_connections_without_a_pooler_have_sessions_of_their_own(transactional_db: None):
    assert not store_for("default").has_shared_sessions()
