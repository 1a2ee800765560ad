"""What was enqueued while the database was away, on its way into it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.db import OperationalError, connection, transaction
from freezegun import freeze_time

from django_jobqueue import JobNotStored
from django_jobqueue.core.clock import SystemClock
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs.flushing import BATCH, TRUSTED_AGE, FlushedJobs
from django_jobqueue.models import Job
from django_jobqueue.store.spool import Spool
from tests.handlers import add
from tests.worker.site import COMMITTED, PATIENCE

from .conftest import Away
from .spools import Told, flush, names, spoil, waiting

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)

pytestmark = [COMMITTED, pytest.mark.usefixtures("spool")]


class TestTimes:
    def test_a_delay_counts_from_the_call(self, spool: Spool, away: Away):
        with away(), freeze_time(timedelta(seconds=-600)):
            early = add.using(delay=60).enqueue(1)
            late = add.using(delay=3600).enqueue(2)
        flush(spool)

        assert early.refresh().state == JobState.READY
        assert late.refresh().state == JobState.SCHEDULED
        due = late.snapshot.run_at
        assert due is not None
        assert abs((due - SystemClock().now()).total_seconds() - 3000) < 60

    def test_a_given_time_stays_what_it_is(self, spool: Spool, away: Away):
        with away():
            handle = add.using(run_at=NOW, expires_at=NOW + timedelta(1)).enqueue(1)
        flush(spool)

        assert handle.refresh().state == JobState.SCHEDULED
        assert (handle.snapshot.run_at, handle.snapshot.expires_at) == (NOW, NOW + timedelta(1))

    def test_what_is_too_old_for_its_receipt_is_left_to_a_person(self, spool: Spool, away: Away):
        with away(), freeze_time(-TRUSTED_AGE - timedelta(hours=1)):
            handle = add.enqueue(1)

        assert flush(spool).refused == 1
        [entry] = spool.set_aside()
        assert (entry.receipt, Job.objects.count()) == (handle.receipt, 0)
        assert "7 days" in str(entry.refused)
        spool.retry()
        assert flush(spool, however_old=True).stored == 1


class TestUniqueKeys:
    def test_a_key_that_is_taken_by_the_time_of_the_flush_is_skipped(
        self, spool: Spool, away: Away
    ):
        with away():
            handle = add.using(unique=True).enqueue(1)
        holder = add.using(unique=True).enqueue(1)
        assert holder.id == Job.objects.get().pk

        flush(spool)
        assert handle.refresh().id == holder.id

    def test_one_that_replaces_does_so_at_the_flush(self, spool: Spool, away: Away):
        with away():
            add.using(unique_key="k", on_conflict="replace").enqueue(2)
        holder = add.using(unique_key="k").enqueue(1)
        flush(spool)

        assert holder.refresh().snapshot.payload == {"args": [], "kwargs": {"a": 2}}

    def test_one_that_would_raise_is_given_up_and_told(self, spool: Spool, away: Away, told: Told):
        with away():
            handle = add.using(unique_key="k", on_conflict="raise").enqueue(1)
            bulk = add.using(unique_key="k", on_conflict="raise").enqueue_many([{"a": 1}] * 2)
        holder = add.using(unique_key="k").enqueue(1)

        assert holder.id == Job.objects.get().pk
        assert "spool.conflict" in names(told)
        assert waiting(spool) == []
        assert handle.refresh().id == holder.id
        with pytest.raises(JobNotStored, match="on_conflict was 'raise'"):
            bulk[1].refresh()


class TestFlushing:
    def test_the_next_enqueue_of_this_process_flushes(self, spool: Spool, away: Away, told: Told):
        with away():
            kept = add.enqueue(1)
        add.enqueue(2)

        assert kept.refresh().state == JobState.READY
        assert waiting(spool) == []
        assert names(told).count("job.enqueued") == 2

    def test_one_in_a_transaction_does_so_after_the_commit(self, spool: Spool, away: Away):
        with away():
            add.enqueue(1)
        with transaction.atomic():
            add.enqueue(2)
            assert len(waiting(spool)) == 1

        assert (waiting(spool), Job.objects.count()) == ([], 2)

    def test_a_batch_at_a_time_so_that_nobody_waits_for_all(self, spool: Spool, away: Away):
        with away():
            for number in range(BATCH + 1):
                add.enqueue(number)
        add.enqueue(1)
        assert len(waiting(spool)) == 1
        add.enqueue(2)

        assert (waiting(spool), Job.objects.count()) == ([], BATCH + 3)

    def test_a_flush_that_fails_is_no_failure_of_the_enqueue(
        self, spool: Spool, away: Away, told: Told
    ):
        with away():
            add.enqueue(1)
        whole = spool.path.read_bytes()
        spool.path.write_bytes(b"not a database" * 100)
        add.enqueue(2)

        assert "spool.flush_failed" in names(told)
        spool.path.write_bytes(whole)
        add.enqueue(3)
        assert Job.objects.count() == 3

    @pytest.mark.postgresql
    def test_sleeping_workers_are_woken(self, spool: Spool, away: Away):
        with away():
            add.using(queue="woken by a flush").enqueue(1)
        with connection.cursor() as cursor:
            cursor.execute("LISTEN django_jobqueue")
        flush(spool)
        heard = connection.connection.notifies(timeout=PATIENCE, stop_after=1)

        assert [one.payload for one in heard] == ["woken by a flush"]
        connection.close()  # and with it the LISTEN

    def test_a_bad_entry_is_set_aside_and_holds_nobody_up(
        self, spool: Spool, away: Away, told: Told
    ):
        with away():
            bad, good = add.enqueue(1), add.enqueue(2)
        spoil(spool, bad, "[{]")

        assert flush(spool) == FlushedJobs(stored=1, refused=1)
        assert good.refresh().state == JobState.READY
        [entry] = spool.set_aside()
        assert entry.receipt == bad.receipt
        assert "DecodeError" in str(entry.refused)
        assert "spool.entry_refused" in names(told)
        assert flush(spool).entries == 0

    def test_one_that_the_database_refuses_is_set_aside_too(self, spool: Spool, away: Away):
        with away():
            bad, good = add.enqueue(1), add.enqueue(2)
        [content] = [one.content for one in waiting(spool) if one.receipt == bad.receipt]
        [job] = msgspec.json.decode(content)
        spoil(spool, bad, msgspec.json.encode([{**job, "payload": "no json"}]).decode())

        assert flush(spool) == FlushedJobs(stored=1, refused=1)
        assert good.refresh().state == JobState.READY

    def test_while_the_database_is_away_everything_stays(self, spool: Spool, away: Away):
        with away():
            add.enqueue(1)
            with pytest.raises(OperationalError):
                flush(spool)

        assert len(waiting(spool)) == 1
        assert spool.set_aside() == []
