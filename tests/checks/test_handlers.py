"""What is declared of handlers."""

from datetime import timedelta

from django_jobqueue import job
from django_jobqueue.jobs.registry import Registry
from example_project.databases import SQLITE_OPTIONS

from .sites import POSTGRESQL, SQLITE, AliasOf, found


def work(account: int = 1) -> None:
    """What the handlers of these tests run."""


class TestE006:
    def test_jobqueue_e006_a_handler_that_could_hold_the_only_write_lock_beyond_the_lease(
        self, alias_of: AliasOf, declared: Registry
    ):
        _transactional(declared)
        alias_of("one_writer", **SQLITE, OPTIONS=SQLITE_OPTIONS)

        [error] = found(DATABASE="one_writer")
        assert error.id == "jobqueue.E006"
        assert "The timeout of 'endless' is unlimited" in error.msg
        assert "30 s" in error.msg
        assert "timeout=" in (error.hint or "")

        told = [one.msg for one in found(DATABASE="one_writer", LEASE=20, HEARTBEAT_INTERVAL=5)]
        assert len(told) == 2

    def test_jobqueue_e006_says_nothing_of_postgresql(self, alias_of: AliasOf, declared: Registry):
        _transactional(declared)
        alias_of("many_writers", **POSTGRESQL)

        assert found(DATABASE="many_writers") == []


def _transactional(declared: Registry) -> None:
    job(name="endless", transactional=True, registry=declared)(work)
    job(name="short", transactional=True, timeout=20, registry=declared)(work)
    job(name="plain", registry=declared)(work)


class TestW010:
    def test_jobqueue_w010_limits_that_another_one_never_lets_be_reached(self, declared: Registry):
        job(name="wide", concurrency=5, max_running=4, registry=declared)(work)
        keyed = {"concurrency_key": "a:{account}", "key_limit": 3, "max_running": 2}
        job(name="keyed", **keyed, registry=declared)(work)

        wide, by_key = found()

        assert wide.id == by_key.id == "jobqueue.W010"
        assert "concurrency=5 of 'wide' is never reached: max_running=4" in wide.msg
        assert "key_limit=3 of 'keyed' is never reached: max_running=2" in by_key.msg

    def test_jobqueue_w010_is_not_told_of_limits_that_can_be(self, declared: Registry):
        job(name="even", concurrency=4, max_running=4, registry=declared)(work)
        job(name="own", concurrency=40, registry=declared)(work)
        job(name="one", max_running=1, registry=declared)(work)

        assert found() == []


class TestW011:
    def test_jobqueue_w011_a_window_for_which_no_record_is_kept(self, declared: Registry):
        week = timedelta(days=7)
        job(name="weekly", unique=True, unique_for=week, registry=declared)(work)

        [warning] = found(ARCHIVE_RETENTION=week - timedelta(seconds=1))

        assert warning.id == "jobqueue.W011"
        assert "unique_for of 'weekly' is 7 days" in warning.msg
        assert found(ARCHIVE_RETENTION=week) == []
