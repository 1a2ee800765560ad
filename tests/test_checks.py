from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connections
from django.test import override_settings

from django_jobqueue import job
from django_jobqueue.checks import check_database
from django_jobqueue.jobs.registry import Registry
from example_project.databases import SQLITE_OPTIONS
from tests.jobs.recurring import report

assert report  # registered by the import


def work() -> None:
    """What the handlers of these tests run."""


def found(**jobqueue: object) -> list[CheckMessage]:
    with override_settings(JOBQUEUE=jobqueue):
        return run_checks(tags=["jobqueue"])


class AliasOf:
    """Gives an alias a database for the length of a test."""

    def __init__(self) -> None:
        self.added: list[str] = []

    def __call__(self, alias: str, **database: object) -> None:
        connections.settings[alias] = connections.configure_settings(
            {"default": {}, alias: database}
        )[alias]
        self.added.append(alias)


@pytest.fixture
def alias_of() -> Iterator[AliasOf]:
    adds = AliasOf()
    yield adds
    for alias in adds.added:
        del connections.settings[alias]
        if hasattr(connections._connections, alias):
            delattr(connections._connections, alias)


def test_a_site_that_is_set_up_well_gets_no_message():
    assert found() == []


def test_no_check_opens_a_connection():
    # The test would fail in the first query: it has no access to the database.
    assert found(DATABASE="default") == []


class TestE001:
    def test_jobqueue_e001_a_database_that_cannot_keep_jobs(self, alias_of: AliasOf):
        alias_of("nowhere", ENGINE="django.db.backends.dummy", NAME="x")

        [error] = found(DATABASE="nowhere")

        assert error.id == "jobqueue.E001"
        assert error.is_serious()
        assert "'unknown' database" in error.msg
        assert error.hint == "Point JOBQUEUE['DATABASE'] at an alias of postgresql or sqlite."


class TestE002:
    def test_jobqueue_e002_a_setting_that_cannot_be_right(self):
        [error] = found(CONCURENCY=3)

        assert error.id == "jobqueue.E002"
        assert error.is_serious()
        assert "Did you mean 'CONCURRENCY'?" in error.msg
        assert error.hint

    def test_jobqueue_e002_an_alias_that_is_not_in_databases(self):
        [error] = found(DATABASE="elsewhere")

        assert error.id == "jobqueue.E002"
        assert "'elsewhere', which is not in DATABASES" in error.msg
        assert error.hint
        assert "default" in error.hint


class TestE003:
    def test_jobqueue_e003_a_service_that_is_no_service_task(self):
        error, other = found(SERVICES=["tests.worker.service_tasks.NoServiceTask", "nowhere"])

        assert error.id == other.id == "jobqueue.E003"
        assert error.is_serious()
        assert "which is a class, but no ServiceTask" in error.msg
        assert "'nowhere', which cannot be imported" in other.msg
        assert error.hint

    def test_jobqueue_e003_is_found_without_making_the_task(self):
        assert found(SERVICES=["tests.worker.service_tasks.Failing"]) == []


class TestE004:
    def test_jobqueue_e004_a_spool_that_is_no_directory(self, tmp_path: Path):
        (tmp_path / "file").touch()

        [error] = found(SPOOL=tmp_path / "file")

        assert error.id == "jobqueue.E004"
        assert error.is_serious()
        assert error.msg == f"JOBQUEUE['SPOOL'] is '{tmp_path}/file': it is not a directory."
        assert error.hint

    def test_jobqueue_e004_one_that_cannot_be_made(self, tmp_path: Path):
        [error] = found(SPOOL=tmp_path / "no" / "where")

        assert error.id == "jobqueue.E004"

    def test_jobqueue_e004_is_not_told_of_one_that_can(self, tmp_path: Path):
        assert found(SPOOL=tmp_path / "new") == []
        assert not (tmp_path / "new").exists()


class TestW003:
    def test_jobqueue_w003_a_spool_where_others_may_write(self, tmp_path: Path):
        tmp_path.chmod(0o770)

        [warning] = found(SPOOL=tmp_path)

        assert warning.id == "jobqueue.W003"
        assert not warning.is_serious()
        assert warning.hint == f"Take the right from them: chmod 700 {tmp_path}"


class TestE006:
    SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "never_opened.sqlite3"}
    POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "never_opened"}

    @pytest.fixture(autouse=True)
    def handlers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        declared = Registry()
        job(name="endless", transactional=True, registry=declared)(work)
        job(name="short", transactional=True, timeout=20, registry=declared)(work)
        job(name="plain", registry=declared)(work)
        monkeypatch.setattr("django_jobqueue.checks.registry", declared)

    def test_jobqueue_e006_a_handler_that_could_hold_the_only_write_lock_beyond_the_lease(
        self, alias_of: AliasOf
    ):
        alias_of("one_writer", **{**self.SQLITE, "OPTIONS": SQLITE_OPTIONS})

        [error] = found(DATABASE="one_writer")
        assert error.id == "jobqueue.E006"
        assert error.is_serious()
        assert "The timeout of 'endless' is unlimited" in error.msg
        assert "30 s" in error.msg
        assert "timeout=" in (error.hint or "")

        told = [one.msg for one in found(DATABASE="one_writer", LEASE=20, HEARTBEAT_INTERVAL=5)]
        assert len(told) == 2

    def test_jobqueue_e006_says_nothing_of_postgresql(self, alias_of: AliasOf):
        alias_of("many_writers", **self.POSTGRESQL)

        assert found(DATABASE="many_writers") == []


class TestW001:
    SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "never_opened.sqlite3"}

    def test_jobqueue_w001_sqlite_without_wal_and_immediate(self, alias_of: AliasOf):
        alias_of("plain", **self.SQLITE)

        [warning] = found(DATABASE="plain")

        assert warning.id == "jobqueue.W001"
        assert not warning.is_serious()
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
        alias_of("half", **self.SQLITE, OPTIONS=options)

        [warning] = found(DATABASE="half")

        assert told in warning.msg
        assert untold not in warning.msg

    @pytest.mark.parametrize(
        "command",
        ["PRAGMA journal_mode=WAL", "pragma JOURNAL_MODE = 'wal';", "PRAGMA journal_mode(wal)"],
    )
    def test_jobqueue_w001_knows_every_way_to_write_wal(self, alias_of: AliasOf, command: str):
        options = {"transaction_mode": "immediate", "init_command": command}
        alias_of("good", **self.SQLITE, OPTIONS=options)

        assert found(DATABASE="good") == []

    def test_jobqueue_w001_is_not_told_of_a_database_in_memory(self, alias_of: AliasOf):
        alias_of("memory", ENGINE="django.db.backends.sqlite3", NAME=":memory:")

        assert found(DATABASE="memory") == []


class TestW002:
    @pytest.mark.parametrize("lease", [2, 10])
    def test_jobqueue_w002_a_lease_of_ten_seconds_or_less(self, lease: float):
        [warning] = found(LEASE=lease, HEARTBEAT_INTERVAL=0.5)

        assert warning.id == "jobqueue.W002"
        assert not warning.is_serious()
        assert f"is {lease:g} s" in warning.msg
        assert warning.hint

    def test_jobqueue_w002_is_not_told_of_a_longer_one(self):
        assert found(LEASE=10.1, HEARTBEAT_INTERVAL=0.5) == []


def test_a_wrong_setting_is_told_once():
    with override_settings(JOBQUEUE={"LEASE": "long"}):
        assert check_database() == []


class TestSchedules:
    @pytest.mark.parametrize("handler", ["gone", "tests.report"])
    def test_jobqueue_e005_a_declared_schedule_that_cannot_be(self, handler: str):
        [message] = found(SCHEDULES={"weekly": {"handler": handler, "cron": "0 7 * * 1"}})

        assert message.id == "jobqueue.E005"
        assert "JOBQUEUE['SCHEDULES']['weekly']" in message.msg

    def test_jobqueue_w004_a_time_zone_that_is_not_known_here(self):
        entry = {"handler": "tests.report", "kwargs": {"week": 1}, "cron": "0 7 * * 1"}
        [message] = found(SCHEDULES={"weekly": entry | {"timezone": "Mars/Olympus"}})

        assert message.id == "jobqueue.W004"
        assert "Mars/Olympus" in message.msg
        assert found(SCHEDULES={"weekly": entry | {"timezone": "Europe/Berlin"}}) == []

    def test_a_setting_that_is_no_dictionary_of_them_is_told_once(self):
        [message] = found(SCHEDULES=["weekly"])
        assert message.id == "jobqueue.E002"
