"""However an enqueue and the flush of it are torn apart, there is one job in the end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from django_jobqueue import UniqueConflict, conf
from django_jobqueue.core.specs import Inserted
from django_jobqueue.core.states import JobState
from django_jobqueue.events import events
from django_jobqueue.jobs.flushing import FlushedJobs, JobFlush
from django_jobqueue.models import Job, ReceiptRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.spool import Spool
from tests.handlers import add
from tests.outage import behind_a_proxy
from tests.store.helpers import claim, finish, register_worker
from tests.worker.site import COMMITTED, PATIENCE

from .conftest import Away
from .spools import Told, flush, names, waiting

pytestmark = [COMMITTED, pytest.mark.usefixtures("spool")]


class Halted(BaseException):
    """The process ends here."""


class TestExactlyOnce:
    def test_an_end_between_the_commit_and_the_removal_stores_nothing_twice(
        self, spool: Spool, away: Away, monkeypatch: pytest.MonkeyPatch
    ):
        with away():
            handle = add.enqueue(1)

        def halt(name: str, facts: Any) -> None:
            if name == "job.enqueued":  # told after the commit
                monkeypatch.setattr(Spool, "remove", lambda *_: None)
                raise Halted

        events.subscribe(halt)
        try:
            with pytest.raises(Halted):
                flush(spool)
        finally:
            events.unsubscribe(halt)
            monkeypatch.undo()
        assert (len(waiting(spool)), Job.objects.count()) == (1, 1)

        assert flush(spool) == FlushedJobs(stored_earlier=1)
        assert (waiting(spool), Job.objects.count()) == ([], 1)
        assert handle.refresh().id == Job.objects.get().pk

    def test_nor_does_it_when_the_job_has_moved_on(self, spool: Spool, away: Away):
        with away():
            handle = add.using(queue="own").enqueue(1)
        entries = waiting(spool)
        flush(spool)
        store = store_for("default")
        [job] = claim(store, register_worker(), "own")
        assert finish(store, job, JobState.SUCCEEDED)
        spool.add(entries)

        assert flush(spool) == FlushedJobs(stored_earlier=1)
        assert not Job.objects.exists()
        assert handle.refresh().state == JobState.SUCCEEDED

    @pytest.mark.parametrize("on_conflict", ["skip", "replace", "raise"])
    def test_of_two_flushes_at_one_moment_one_stores_it(
        self, spool: Spool, away: Away, told: Told, on_conflict: str
    ):
        with away():
            add.using(unique_key="k", on_conflict=on_conflict).enqueue(1)
            add.enqueue(2)
        both_have_read = threading.Barrier(2, timeout=PATIENCE)

        class Slow(type(store_for("default"))):  # type: ignore[misc]
            def insert_once(self, *arguments: Any) -> list[Inserted] | None:
                both_have_read.wait()
                return super().insert_once(*arguments)  # type: ignore[no-any-return]

        def flush_slowly() -> FlushedJobs:
            try:
                return JobFlush(spool, store=Slow("default"), settings=conf.current()).run()
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            flushed = [pool.submit(flush_slowly) for _ in range(2)]
            one, other = (future.result(PATIENCE) for future in flushed)

        assert (one.stored + other.stored, one.stored_earlier + other.stored_earlier) == (2, 2)
        assert (Job.objects.count(), ReceiptRecord.objects.count()) == (2, 2)
        assert "spool.conflict" not in names(told)

    @pytest.mark.postgresql
    def test_an_enqueue_whose_answer_was_lost_is_found_by_its_receipt(self, spool: Spool):
        with behind_a_proxy() as proxy:
            proxy.lose_replies()
            handle = add.enqueue(1)

        assert not handle.spooled
        assert [row.pk for row in Job.objects.all()] == [handle.id]

    @pytest.mark.postgresql
    def test_also_where_the_database_is_away_from_then_on(self, spool: Spool, tmp_path: Path):
        with behind_a_proxy() as proxy:
            proxy.lose_replies()
            # The connection that is open is the proxy's; the next one will find nobody.
            connection.settings_dict["PORT"] = "1"
            handle = add.using(unique_key="own", on_conflict="raise").enqueue(1)

        assert handle.spooled
        assert Job.objects.count() == 1
        assert flush(spool) == FlushedJobs(stored_earlier=1)
        assert handle.refresh().id == Job.objects.get().pk

    @pytest.mark.postgresql
    def test_a_connection_that_died_idle_costs_no_detour(self, spool: Spool):
        with behind_a_proxy() as proxy:
            proxy.reset()
            handle = add.enqueue(1)

        assert not handle.spooled
        assert Job.objects.count() == 1

    def test_a_conflict_at_the_enqueue_itself_is_raised_and_leaves_no_receipt(self):
        add.using(unique_key="k").enqueue(1)

        with pytest.raises(UniqueConflict):
            add.using(unique_key="k", on_conflict="raise").enqueue(1)

        assert ReceiptRecord.objects.count() == 1
