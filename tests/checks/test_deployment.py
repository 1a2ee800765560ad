"""What is right on a desk and wrong in production."""

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from django_jobqueue import job
from django_jobqueue.jobs.registry import Registry

from .sites import POSTGRESQL, SQLITE, AliasOf, found, ids


def work() -> None:
    """What the handlers of these tests run."""


class TestAGoodSite:
    def test_gets_no_message(self):
        assert found() == []

    def test_gets_none_before_a_deploy_either(
        self, alias_of: AliasOf, declared: Registry, tmp_path: Path
    ):
        job(name="charge", transactional=True, registry=declared)(work)
        job(name="mail", max_running=20, concurrency=4, rate="100/m", registry=declared)(work)
        alias_of(
            "production",
            **POSTGRESQL,
            HOST="db.example.org",
            ATOMIC_REQUESTS=True,
            CONN_HEALTH_CHECKS=True,
            OPTIONS={
                "pool": {"min_size": 2, "max_size": 20},
                "connect_timeout": 3,
                "options": "-c tcp_keepalives_idle=10",
            },
        )
        said = {"CONCURRENCY": 20, "SPOOL": tmp_path / "spool", "PROBES": "0.0.0.0:8787"}

        assert found(deploy=True, DATABASE="production", **said) == []

    def test_is_judged_without_a_connection(self):
        # This test would fail in the first query: it has no access to the database.
        assert found(deploy=True, DATABASE="default") == []


class TestW012:
    def test_jobqueue_w012_a_drain_that_outlasts_the_usual_grace(self):
        [warning] = found(deploy=True, DRAIN=26)

        assert warning.id == "jobqueue.W012"
        assert "may take 31 s to stop" in warning.msg
        assert "31 or more" in (warning.hint or "")
        assert found(deploy=True, DRAIN=25) == found(DRAIN=26) == []


class TestW013:
    def test_jobqueue_w013_a_worker_with_debug(self):
        with override_settings(DEBUG=True):
            assert ids(found(deploy=True)) == ["jobqueue.W013"]
            assert found() == []


class TestW014:
    def test_jobqueue_w014_naive_times(self):
        with override_settings(USE_TZ=False):
            assert ids(found(deploy=True)) == ["jobqueue.W014"]
            assert found() == []


class TestW015:
    @pytest.mark.parametrize("age", [None, 60])
    def test_jobqueue_w015_connections_that_are_kept_and_not_looked_at(
        self, alias_of: AliasOf, age: int | None
    ):
        alias_of("kept", **POSTGRESQL, CONN_MAX_AGE=age)
        alias_of("healthy", **POSTGRESQL, CONN_MAX_AGE=age, CONN_HEALTH_CHECKS=True)

        [warning] = found(deploy=True, DATABASE="kept")

        assert warning.id == "jobqueue.W015"
        assert "'kept'" in warning.msg
        assert found(deploy=True, DATABASE="healthy") == found(DATABASE="kept") == []

    def test_jobqueue_w015_is_not_told_of_a_file(self, alias_of: AliasOf):
        alias_of("file", **SQLITE | {"NAME": ":memory:"}, CONN_MAX_AGE=None)

        assert found(deploy=True, DATABASE="file") == []


class TestW020:
    REMOTE = {**POSTGRESQL, "HOST": "db.example.org"}

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PGOPTIONS", raising=False)

    def test_jobqueue_w020_a_server_that_does_not_miss_a_host(
        self, alias_of: AliasOf, monkeypatch: pytest.MonkeyPatch
    ):
        alias_of("remote", **self.REMOTE)

        [warning] = found(deploy=True, DATABASE="remote")

        assert warning.id == "jobqueue.W020"
        assert "vanishes, db.example.org misses them after two hours" in warning.msg
        assert found(DATABASE="remote") == []
        monkeypatch.setenv("PGOPTIONS", "-c tcp_keepalives_idle=10")
        assert found(deploy=True, DATABASE="remote") == []

    @pytest.mark.parametrize(
        "database",
        [
            {**REMOTE, "OPTIONS": {"options": "-c tcp_keepalives_idle=10"}},
            {**REMOTE, "OPTIONS": {"service": "jobs"}},
            {**POSTGRESQL, "HOST": "/var/run/postgresql"},
            {**POSTGRESQL, "HOST": "localhost"},
            POSTGRESQL,
            {**SQLITE, "NAME": ":memory:", "HOST": "of no meaning"},
        ],
        ids=["keepalives", "service", "socket", "this host", "local", "file"],
    )
    def test_jobqueue_w020_is_not_told_where_it_does_or_cannot_outlive_it(
        self, alias_of: AliasOf, database: dict[str, Any]
    ):
        alias_of("quick", **database)

        assert found(deploy=True, DATABASE="quick") == []


class TestE008:
    def test_jobqueue_e008_an_admin_without_what_draws_its_filters(self, settings):
        every = [one for one in settings.INSTALLED_APPS if one != "rangefilter"]
        settings.INSTALLED_APPS = every
        [error] = found()

        assert error.id == "jobqueue.E008"
        assert "TemplateDoesNotExist" in error.msg
        settings.INSTALLED_APPS = [one for one in every if one != "django.contrib.admin"]
        assert found() == []
