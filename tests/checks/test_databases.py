"""The entry of DATABASES that keeps the jobs."""

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from example_project.databases import SQLITE_OPTIONS

from .sites import POSTGRESQL, SQLITE, AliasOf, found, ids


class TestE001:
    def test_jobqueue_e001_a_database_that_cannot_keep_jobs(self, alias_of: AliasOf):
        alias_of("nowhere", ENGINE="django.db.backends.dummy", NAME="x")

        [error] = found(DATABASE="nowhere")

        assert error.id == "jobqueue.E001"
        assert "'unknown' database" in error.msg
        assert error.hint == "Point JOBQUEUE['DATABASE'] at an alias of postgresql or sqlite."


class OnlyAuth:
    """A router that keeps this app away from one alias, and has no opinion about the rest."""

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        return False if (db, app_label) == ("kept_apart", "jobqueue") else None


class TestE007:
    def test_jobqueue_e007_a_router_that_makes_no_tables_there(self, alias_of: AliasOf):
        alias_of("kept_apart", **POSTGRESQL)
        alias_of("jobs", **POSTGRESQL)

        with override_settings(DATABASE_ROUTERS=["tests.checks.test_databases.OnlyAuth"]):
            [error] = found(DATABASE="kept_apart")
            assert found(DATABASE="jobs") == []

        assert error.id == "jobqueue.E007"
        assert "jobqueue_job," in error.msg
        assert "'kept_apart'" in error.msg


class TestW001:
    def test_jobqueue_w001_sqlite_without_wal_and_immediate(self, alias_of: AliasOf):
        alias_of("plain", **SQLITE)

        [warning] = found(DATABASE="plain")

        assert warning.id == "jobqueue.W001"
        assert "transaction_mode is not IMMEDIATE" in warning.msg
        assert "no journal_mode=WAL" in warning.msg
        assert "IMMEDIATE" in (warning.hint or "")

    @pytest.mark.parametrize(
        ("without", "told", "untold"),
        [
            ("transaction_mode", "transaction_mode", "journal_mode"),
            ("init_command", "journal_mode", "transaction_mode"),
        ],
    )
    def test_jobqueue_w001_names_only_what_is_missing(
        self, alias_of: AliasOf, without: str, told: str, untold: str
    ):
        options = {key: value for key, value in SQLITE_OPTIONS.items() if key != without}
        alias_of("half", **SQLITE, OPTIONS=options)

        [warning] = found(DATABASE="half")

        assert told in warning.msg
        assert untold not in warning.msg

    @pytest.mark.parametrize(
        "command",
        ["PRAGMA journal_mode=WAL", "pragma JOURNAL_MODE = 'wal';", "PRAGMA journal_mode(wal)"],
    )
    def test_jobqueue_w001_knows_every_way_to_write_wal(self, alias_of: AliasOf, command: str):
        options = {"transaction_mode": "immediate", "init_command": command}
        alias_of("good", **SQLITE, OPTIONS=options)

        assert found(DATABASE="good") == []

    def test_jobqueue_w001_is_not_told_of_a_database_in_memory(self, alias_of: AliasOf):
        alias_of("memory", ENGINE="django.db.backends.sqlite3", NAME=":memory:")

        assert found(DATABASE="memory") == []


class TestW005:
    @pytest.mark.parametrize(
        ("pool", "size"), [(True, 4), ({"min_size": 6}, 6), ({"min_size": 2, "max_size": 9}, 9)]
    )
    def test_jobqueue_w005_a_pool_that_is_smaller_than_the_concurrency(
        self, alias_of: AliasOf, pool: object, size: int
    ):
        alias_of("pooled", **POSTGRESQL, OPTIONS={"pool": pool})

        [warning] = found(DATABASE="pooled", CONCURRENCY=size + 1)

        assert warning.id == "jobqueue.W005"
        assert f"has {size} connections, and a worker {size + 1} threads" in warning.msg
        assert found(DATABASE="pooled", CONCURRENCY=size) == []

    def test_jobqueue_w005_is_not_told_where_there_is_no_pool(self, alias_of: AliasOf):
        alias_of("plain", **POSTGRESQL, OPTIONS={"pool": False})

        assert found(DATABASE="plain", CONCURRENCY=100) == []


class TestW006:
    @pytest.mark.parametrize("level", ["REPEATABLE_READ", "SERIALIZABLE"])
    def test_jobqueue_w006_transactions_that_do_not_see_what_others_commit(
        self, alias_of: AliasOf, level: str
    ):
        levels = pytest.importorskip("psycopg").IsolationLevel
        alias_of("strict", **POSTGRESQL, OPTIONS={"isolation_level": levels[level]})
        alias_of("usual", **POSTGRESQL, OPTIONS={"isolation_level": levels.READ_COMMITTED})

        [warning] = found(DATABASE="strict")

        assert warning.id == "jobqueue.W006"
        assert level.replace("_", " ") in warning.msg
        assert found(DATABASE="usual") == []


class TestW007:
    def test_jobqueue_w007_a_database_without_autocommit(self, alias_of: AliasOf):
        alias_of("by_hand", **POSTGRESQL, AUTOCOMMIT=False)

        [warning] = found(DATABASE="by_hand")

        assert warning.id == "jobqueue.W007"
        assert "'by_hand'" in warning.msg


class TestW008:
    def test_jobqueue_w008_requests_that_are_atomic_elsewhere(self, alias_of: AliasOf):
        alias_of("site", **POSTGRESQL, ATOMIC_REQUESTS=True)
        alias_of("jobs", **POSTGRESQL)

        [warning] = found(DATABASE="jobs")

        assert warning.id == "jobqueue.W008"
        assert "atomic on 'site', but not on 'jobs'" in warning.msg
        assert found(DATABASE="site") == []


class TestW009:
    REMOTE = {**POSTGRESQL, "HOST": "db.example.org"}

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)

    def test_jobqueue_w009_a_spool_behind_a_network_that_may_swallow_packets(
        self, alias_of: AliasOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        alias_of("remote", **self.REMOTE)

        [warning] = found(DATABASE="remote", SPOOL=tmp_path / "spool")

        assert warning.id == "jobqueue.W009"
        assert "if db.example.org does not answer" in warning.msg
        assert found(DATABASE="remote") == []
        monkeypatch.setenv("PGCONNECT_TIMEOUT", "3")
        assert found(DATABASE="remote", SPOOL=tmp_path / "spool") == []

    @pytest.mark.parametrize(
        "database",
        [
            {**REMOTE, "OPTIONS": {"connect_timeout": 3}},
            {**REMOTE, "OPTIONS": {"service": "jobs"}},
            {**POSTGRESQL, "HOST": "/var/run/postgresql"},
            POSTGRESQL,
        ],
        ids=["timeout", "service", "socket", "local"],
    )
    def test_jobqueue_w009_is_not_told_where_the_wait_is_short_or_said_elsewhere(
        self, alias_of: AliasOf, tmp_path: Path, database: dict[str, Any]
    ):
        alias_of("quick", **database)

        assert ids(found(DATABASE="quick", SPOOL=tmp_path / "spool")) == []
