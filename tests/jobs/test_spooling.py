"""Enqueues while the database cannot be reached."""

import os
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import override_settings

from django_jobqueue import JobNotStored, PayloadError, SpoolUnusable
from django_jobqueue.core.states import JobState
from django_jobqueue.models import Job
from django_jobqueue.store.spool import Spool
from tests.handlers import add, greet
from tests.outage import behind_a_proxy
from tests.worker.site import COMMITTED

from .conftest import Away
from .spools import Told, flush, names, waiting

pytestmark = [COMMITTED, pytest.mark.usefixtures("spool")]


class TestWhileItIsAway:
    def test_an_enqueue_is_kept_and_says_so(self, spool: Spool, away: Away, told: Told):
        with away():
            handle = add.enqueue(1, b=2)

        assert (handle.spooled, handle.id, handle.created) == (True, None, True)
        assert [entry.receipt for entry in waiting(spool)] == [handle.receipt]
        assert repr(handle) == f"JobHandle(spooled as {handle.receipt})"
        assert told[-1][0] == "jobs.spooled"
        assert told[-1][1]["receipt"] == handle.receipt

    def test_the_job_is_what_it_would_have_been(self, spool: Spool, away: Away):
        using = greet.using(tags=["x"], meta={"a": 1}, unique_key="one", max_attempts=2)
        direct = using.enqueue("Ada")
        kept = Job.objects.values().get(pk=direct.id)
        direct.cancel()
        with away():
            using.enqueue("Ada")

        assert flush(spool).stored == 1
        changing = {"id", "created_at", "ready_at", "run_at"}
        row = Job.objects.values().get()
        assert {name: row[name] for name in row.keys() - changing} == {
            name: kept[name] for name in kept.keys() - changing
        }

    def test_its_handle_finds_the_job_once_it_was_flushed(self, spool: Spool, away: Away):
        with away():
            handle = add.enqueue(1)
        before = hash(handle)
        with pytest.raises(JobNotStored, match="flush-spool") as kept:
            handle.state  # noqa: B018
        flush(spool)

        assert kept.value.receipt == handle.receipt
        assert handle.refresh().state == JobState.READY
        assert (handle.spooled, handle.id) == (False, Job.objects.get().pk)
        assert hash(handle) == before
        assert handle.cancel().cancelled == 1

    @pytest.mark.parametrize("ask", ["state", "result", "attempts", "wait", "cancel"])
    def test_until_then_everything_asked_of_the_handle_gives_that_answer(
        self, away: Away, ask: str
    ):
        with away():
            handle = add.enqueue(1)

        with pytest.raises(JobNotStored, match="in the spool of the host"):
            attrgetter(ask)(handle)()

    def test_many_are_kept_together_and_found_in_their_order(self, spool: Spool, away: Away):
        with away():
            handles = add.enqueue_many([{"a": number} for number in range(3)])
        assert len(waiting(spool)) == 1
        assert len(set(handles)) == 3
        flush(spool)

        payloads = [handle.refresh().snapshot.payload for handle in handles]
        assert [one["kwargs"]["a"] for one in payloads] == [0, 1, 2]  # type: ignore[index]

    def test_the_async_twins_spool_as_well(self, spool: Spool, away: Away):
        with away():
            one = async_to_sync(add.aenqueue)(1)
            many = async_to_sync(add.aenqueue_many)([{"a": 2}])

        assert [handle.spooled for handle in (one, *many)] == [True, True]
        assert flush(spool).stored == 2

    def test_what_was_called_first_is_stored_first(self, spool: Spool, away: Away):
        with away():
            handles = [add.enqueue(number) for number in range(5)]
        flush(spool)

        ids = [handle.refresh().id for handle in handles]
        assert ids == sorted(ids, key=lambda one: one or 0)

    def test_an_outage_is_told_once_and_so_is_its_end(self, away: Away, told: Told):
        add.enqueue(0)
        told.clear()
        with away():
            add.enqueue(1)
            add.enqueue(2)
        add.enqueue(3)

        tellings = [name for name in names(told) if name.startswith("enqueue.")]
        assert tellings == ["enqueue.database_failed", "enqueue.database_answered"]

    def test_arguments_are_checked_before_anything_is_kept(self, spool: Spool, away: Away):
        with away(), pytest.raises(PayloadError):
            greet.enqueue_many([{"name": "Ada"}, {"name": "\x00"}])

        assert not spool.path.exists()


class TestWhatIsNeverSpooled:
    def test_an_enqueue_in_a_transaction_fails_with_it(self, spool: Spool, away: Away):
        with away(), pytest.raises(OperationalError), transaction.atomic():
            add.enqueue(1)

        assert not spool.path.exists()

    @pytest.mark.postgresql
    def test_nor_one_whose_connection_is_lost_amid_a_transaction(self, spool: Spool):
        def enqueue_and_lose(proxy: Any) -> None:
            with transaction.atomic():
                add.enqueue(1)
                proxy.reset()
                add.enqueue(2)

        with behind_a_proxy() as proxy, pytest.raises(OperationalError):
            enqueue_and_lose(proxy)

        assert not spool.path.exists()
        assert not Job.objects.exists()

    def test_nor_one_outside_of_autocommit(self, spool: Spool, away: Away):
        with away():
            connection.settings_dict["AUTOCOMMIT"] = False
            try:
                with pytest.raises(OperationalError):
                    add.enqueue(1)
            finally:
                connection.settings_dict["AUTOCOMMIT"] = True

        assert not spool.path.exists()

    def test_a_database_that_refuses_the_data_raises(self, spool: Spool):
        with connection.execute_wrapper(refuse), pytest.raises(Exception, match="refused"):
            add.enqueue(1)

        assert not spool.path.exists()

    def test_without_the_setting_the_error_is_raised_as_ever(self, away: Away):
        with override_settings(JOBQUEUE={}), away(), pytest.raises(OperationalError):
            add.enqueue(1)


def refuse(execute: Any, sql: str, *rest: Any) -> Any:
    """As a trigger, or a constraint of the site's own, might."""
    if "jobqueue_job" in sql:
        raise IntegrityError("refused")
    return execute(sql, *rest)


class TestASpoolThatCannotBeUsed:
    def test_a_file_that_is_no_database_is_named(self, spool: Spool, away: Away):
        spool.path.parent.mkdir()
        spool.path.write_bytes(b"something else entirely" * 100)

        with away(), pytest.raises(SpoolUnusable, match="not a database") as refused:
            add.enqueue(1)

        assert str(spool.path) in str(refused.value)
        assert isinstance(refused.value.__cause__.__context__, OperationalError)  # type: ignore[union-attr]

    def test_a_directory_that_is_a_file_is_named(self, away: Away, tmp_path: Path):
        (tmp_path / "file").touch()

        with (
            override_settings(JOBQUEUE={"SPOOL": tmp_path / "file"}),
            away(),
            pytest.raises(SpoolUnusable, match="Not a directory"),
        ):
            add.enqueue(1)

    def test_each_process_user_needs_rights_of_its_own(self, spool: Spool, away: Away):
        with away():
            add.enqueue(1)

        assert os.stat(spool.path).st_mode & 0o777 == 0o600
        assert os.stat(spool.path.parent).st_mode & 0o777 == 0o700
