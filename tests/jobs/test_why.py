"""Why a job is not running: each thing that keeps it is named."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models.functions import Now

from django_jobqueue import JobNotFound, Queue, job, why
from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.limits import Limit, LimitKind, LimitName
from django_jobqueue.core.states import JobState
from django_jobqueue.core.why import Blocker, BlockerKind
from django_jobqueue.models import LimitRecord, WorkerRecord
from django_jobqueue.store import store_for
from tests.history import many_jobs
from tests.store.helpers import BIG_ID, LONG_AGO, make_job, register_worker, unused_id

pytestmark = pytest.mark.django_db

LATER = datetime(2100, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KINDS = BlockerKind


@job(name="tests.why.limited", max_running=2, aliases=["tests.why.old"])
def limited() -> None: ...


@job(name="tests.why.local", concurrency=1)
def local() -> None: ...


@job(name="tests.why.paced", rate="2/m")
def paced() -> None: ...


@job(name="tests.why.keyed", concurrency_key="account:{account}", key_limit=1)
def keyed(account: int) -> None: ...


HANDLERS = ["tests.handler", limited.handler.name, "tests.why.old", local.handler.name]
HANDLERS += [paced.handler.name, keyed.handler.name]


def a_worker(**columns: Any) -> UUID:
    """One that serves everything, and knows what is declared here."""
    worker_id = register_worker()
    about = {"queues": [], "handlers": HANDLERS, **columns}
    WorkerRecord.objects.filter(pk=worker_id).update(**about)
    return worker_id


@pytest.fixture
def worker() -> UUID:
    return a_worker()


def blockers(row: Any) -> dict[BlockerKind, Blocker]:
    found = why(row.pk).blockers
    assert len({one.kind for one in found}) == len(found)
    return {one.kind: one for one in found}


def only(row: Any) -> Blocker:
    [blocker] = why(row.pk).blockers
    return blocker


def running(**columns: Any) -> Any:
    return make_job(JobState.RUNNING, **columns)


@pytest.mark.usefixtures("worker")
class TestWaiting:
    def test_nothing_keeps_a_job_that_a_worker_is_about_to_take(self):
        row = make_job(queue="mail")

        told = why(row.pk)

        assert told.blockers == ()
        assert (told.job_id, told.state, told.queue) == (row.pk, JobState.READY, "mail")
        assert (told.handler, told.asked_at.tzinfo) == ("tests.handler", UTC)

    def test_a_pause_is_told_with_its_reason_and_its_end(self):
        Queue("mail").pause("the provider's down", until=LATER)

        blocker = only(make_job(queue="mail"))

        assert (blocker.kind, blocker.until) == (KINDS.PAUSED, LATER)
        assert blocker.told.startswith("queue 'mail' is paused since 2")
        assert blocker.told.endswith('"the provider\'s down", until 2100-01-01 12:00:00 UTC')

    def test_a_pause_without_an_end_and_a_reason_is_told(self):
        Queue("mail").pause()

        blocker = only(make_job(queue="mail"))

        assert (blocker.kind, blocker.until) == (KINDS.PAUSED, None)
        assert blocker.told.endswith(" UTC")

    def test_a_pause_that_is_over_keeps_nothing(self):
        Queue("mail").pause(until=LONG_AGO)

        assert why(make_job(queue="mail").pk).blockers == ()

    def test_a_job_that_is_not_due_says_when(self):
        blocker = only(make_job(JobState.SCHEDULED, run_at=LATER))

        assert (blocker.kind, blocker.until) == (KINDS.NOT_DUE, LATER)
        assert blocker.told == "it is not due before 2100-01-01 12:00:00 UTC"

    def test_a_job_that_waits_for_a_retry_says_which_and_what_its_last_failure_was(self):
        error = {"type": "ValueError", "message": "no such address"}
        blocker = only(make_job(JobState.SCHEDULED, run_at=LATER, attempt=1, error=error))

        assert blocker.told.endswith(" UTC, for attempt 2 of 3")
        assert blocker.error == "ValueError: no such address"

    def test_a_job_that_is_due_waits_for_no_time_any_more(self):
        assert why(make_job(JobState.SCHEDULED, run_at=LONG_AGO).pk).blockers == ()

    def test_a_job_that_expired_before_it_ran_says_so(self):
        blocker = only(make_job(expires_at=LONG_AGO))

        assert blocker.kind is KINDS.EXPIRED
        assert "expired at 2020-01-01" in blocker.told

    def test_jobs_ahead_of_it_are_counted_in_the_order_of_claims(self):
        make_job(queue="mail", priority=9)
        make_job(queue="mail", ready_at=LONG_AGO)
        row = make_job(queue="mail", ready_at=datetime(2021, 1, 1, tzinfo=UTC))
        make_job(queue="mail", priority=-1, ready_at=LONG_AGO)
        make_job(queue="mail", rescues=1, ready_at=LONG_AGO)
        make_job(queue="other", ready_at=LONG_AGO)

        assert only(row) == Blocker(kind=KINDS.BEHIND, told="2 jobs are ahead of it")

    def test_jobs_ahead_are_counted_no_further_than_is_worth_it(self):
        many_jobs(COUNT_LIMIT + 1, state="ready", queue="mail")
        row = make_job(queue="mail", priority=-1)

        assert only(row).told == "10,000+ jobs are ahead of it"

    def test_a_suspect_waits_for_the_quarantine_and_only_behind_others(self):
        make_job(queue="mail", ready_at=LONG_AGO)
        error = {"type": "WorkerDied", "message": "killed by SIGSEGV"}
        row = make_job(queue="mail", rescues=2, error=error)

        blocker = only(row)

        assert (blocker.kind, blocker.error) == (KINDS.SUSPECT, "WorkerDied: killed by SIGSEGV")
        assert "2 times" in blocker.told

    def test_a_job_that_waits_for_another_names_it_and_how_that_one_stands(self):
        first = make_job()
        row = make_job(JobState.BLOCKED, waits_for=first.pk)

        assert only(row).kind is KINDS.WAITS_FOR_JOB
        assert only(row).told == f"it waits for job {first.pk}, which is ready"
        first.delete()
        assert only(row).told.endswith("which is in no table any more")

    def test_a_blocked_job_that_does_not_say_by_what_is_told_as_such(self):
        assert only(make_job(JobState.BLOCKED)).kind is KINDS.BLOCKED

    def test_everything_that_keeps_it_is_named_at_once(self):
        Queue("mail").pause("deploy")
        WorkerRecord.objects.update(queues=["other"], handlers=[])

        found = blockers(make_job(JobState.SCHEDULED, queue="mail", run_at=LATER))

        assert list(found) == [KINDS.PAUSED, KINDS.NOT_DUE, KINDS.NO_WORKER, KINDS.HANDLER_UNKNOWN]


class TestWorkers:
    def test_without_a_living_worker_nothing_runs(self):
        a_worker(state="stopped")
        a_worker(lease_expires_at=Now() - HOUR)

        assert only(make_job()) == Blocker(kind=KINDS.NO_WORKER, told="no worker is alive")

    def test_workers_that_serve_other_queues_or_are_stopping_do_not_help(self):
        a_worker(queues=["reports"])
        a_worker(stop_requested_at=Now())

        blocker = only(make_job(queue="mail"))

        assert blocker.kind is KINDS.NO_WORKER
        assert blocker.told.startswith("no living worker serves queue 'mail'; 2 serve others")

    def test_a_handler_that_none_of_those_who_serve_its_queue_knows_is_named(self):
        a_worker(queues=["mail"], handlers=["tests.other"])
        a_worker(queues=["reports"])

        blocker = only(make_job(queue="mail", handler="tests.handler"))

        assert blocker.kind is KINDS.HANDLER_UNKNOWN
        assert "none of 1 living workers that serve its queue" in blocker.told
        assert "'tests.handler'" in blocker.told

    def test_the_job_of_a_queue_handler_is_known_by_the_name_of_its_queue(self):
        a_worker(handlers=["queue:mail"])

        assert why(make_job(queue="mail", handler="").pk).blockers == ()
        assert only(make_job(queue="reports", handler="")).kind is KINDS.HANDLER_UNKNOWN


class TestLimits:
    def test_a_full_limit_of_a_handler_is_told_with_those_that_hold_it(self, worker: UUID):
        held = [running(handler="tests.why.old"), running(handler="tests.why.limited", queue="x")]
        running()

        blocker = only(make_job(handler="tests.why.limited"))

        assert blocker.kind is KINDS.LIMIT_FULL
        ids = ", ".join(str(row.pk) for row in held)
        told = f"the limit of handler 'tests.why.limited' is full: 2 of 2 run: jobs {ids}"
        assert blocker.told == told

    @pytest.mark.usefixtures("worker")
    def test_a_limit_with_room_keeps_nothing(self):
        running(handler="tests.why.limited")

        assert why(make_job(handler="tests.why.limited").pk).blockers == ()

    @pytest.mark.usefixtures("worker")
    def test_a_full_limit_of_a_queue_names_the_first_few_that_hold_it(self):
        Queue("mail").configure(max_running=6)
        held = [running(queue="mail") for _ in range(6)]

        blocker = only(make_job(queue="mail"))

        ids = ", ".join(str(row.pk) for row in held[:5])
        assert blocker.told == f"the limit of queue 'mail' is full: 6 of 6 run: jobs {ids}, …"

    @pytest.mark.usefixtures("worker")
    def test_a_full_key_counts_its_own_and_takes_the_number_of_the_job(self):
        mine = {"handler": "tests.why.keyed", "concurrency_key": "account:7"}
        running(**mine)
        running(**{**mine, "concurrency_key": "account:8"})

        assert "key 'account:7' is full: 1 of 1 run" in only(make_job(**mine)).told
        assert why(make_job(**mine, key_limit=2, priority=1).pk).blockers == ()

    @pytest.mark.usefixtures("worker")
    def test_what_an_operator_has_set_holds(self):
        running(handler="tests.why.limited")
        name = LimitName(LimitKind.HANDLER, "tests.why.limited")
        store_for("default").set_limit(name, Limit(max_running=1))

        assert "1 of 1 run" in only(make_job(handler="tests.why.limited")).told

    @pytest.mark.usefixtures("worker")
    def test_of_a_handler_that_is_not_declared_here_the_last_claim_is_believed(self):
        LimitRecord.objects.create(kind="handler", name="tests.handler", max_running=1)
        running()

        assert "handler 'tests.handler' is full" in only(make_job()).told

    @pytest.mark.usefixtures("worker")
    def test_a_rate_tells_when_the_next_may_start(self):
        name = "tests.why.paced"
        LimitRecord.objects.create(kind="handler", name=name, rate="2/m", next_at=LATER)

        blocker = only(make_job(handler=name))

        assert (blocker.kind, blocker.until) == (KINDS.RATE, LATER)
        told = "the rate of handler 'tests.why.paced', 2/m, lets the next start at 2100-01-01"
        assert blocker.told.startswith(told)

    def test_a_queue_of_which_every_process_runs_its_share_is_full(self):
        Queue("mail").configure(concurrency=1)
        first, second = a_worker(), a_worker()
        held = [running(queue="mail", worker_id=first)]
        row = make_job(queue="mail")
        assert why(row.pk).blockers == ()

        held.append(running(queue="mail", worker_id=second))

        assert only(row).kind is KINDS.LIMIT_FULL
        told = "every worker that serves it runs 1 jobs of queue 'mail' already: jobs "
        assert only(row).told == told + ", ".join(str(one.pk) for one in held)

    def test_a_handler_of_which_every_process_runs_its_share_is_full(self, worker: UUID):
        held = running(handler="tests.why.local", worker_id=worker)

        blocker = only(make_job(handler="tests.why.local"))

        assert blocker.told.endswith(f"jobs of handler 'tests.why.local' already: job {held.pk}")

    @pytest.mark.usefixtures("worker")
    def test_a_job_that_its_limit_blocked_names_it_and_those_before_it(self):
        running(handler="tests.why.limited")
        running(handler="tests.why.limited")
        columns = {"handler": "tests.why.limited", "blocked_by": "handler:tests.why.limited"}
        make_job(JobState.BLOCKED, **columns, ready_at=LONG_AGO)

        found = blockers(make_job(JobState.BLOCKED, **columns))

        assert list(found) == [KINDS.LIMIT_FULL, KINDS.BEHIND]
        assert found[KINDS.BEHIND].told == "1 job is ahead of it"

    @pytest.mark.usefixtures("worker")
    def test_a_blocked_job_whose_limit_has_room_again_waits_for_a_worker_to_look(self):
        columns = {"handler": "tests.why.limited", "blocked_by": "handler:tests.why.limited"}

        blocker = only(make_job(JobState.BLOCKED, **columns))

        assert blocker.kind is KINDS.BLOCKED
        assert blocker.told.startswith("'handler:tests.why.limited' blocked it and has room again")

    @pytest.mark.usefixtures("worker")
    def test_what_is_full_now_says_nothing_of_a_job_that_is_due_later(self):
        Queue("mail").configure(max_running=1)
        running(queue="mail")

        row = make_job(JobState.SCHEDULED, queue="mail", run_at=LATER)

        assert only(row).kind is KINDS.NOT_DUE


class TestRunning:
    def test_it_says_where_since_when_and_until_when_it_may(self, worker: UUID):
        row = running(worker_id=worker, claimed_at=LONG_AGO, attempt=2, deadline_at=LATER)

        assert only(row) == Blocker(
            kind=KINDS.RUNNING,
            told=(
                f"it runs since 2020-01-01 00:00:00 UTC on worker host:4711 ({worker}), attempt 2 "
                "of 3, taken from it after 2100-01-01 12:00:00 UTC"
            ),
        )

    def test_without_a_timeout_it_has_no_deadline(self, worker: UUID):
        assert only(running(worker_id=worker)).told.endswith("attempt 1 of 3, no deadline")

    def test_a_request_to_stop_is_told(self, worker: UUID):
        row = running(worker_id=worker, cancel_requested_at=LONG_AGO)

        assert list(blockers(row)) == [KINDS.RUNNING, KINDS.ASKED_TO_STOP]
        assert "at 2020-01-01" in blockers(row)[KINDS.ASKED_TO_STOP].told

    def test_the_job_of_a_worker_whose_lease_ran_out_is_taken_back_by_another(self, worker: UUID):
        lapsed = a_worker(lease_expires_at=LONG_AGO, heartbeat_at=LONG_AGO)
        row = running(worker_id=lapsed)

        told = blockers(row)[KINDS.WORKER_GONE].told

        assert told.startswith("its worker was last heard of at 2020-01-01 00:00:00 UTC")
        assert told.endswith(": a living worker will take the job back")

    def test_the_job_of_a_dead_worker_waits_for_a_living_one(self):
        row = running(worker_id=a_worker(state="dead"))

        assert blockers(row)[KINDS.WORKER_GONE].told == "its worker is dead: no worker is alive"

    def test_a_worker_without_a_row_is_told(self):
        row = running(worker_id=uuid4())

        assert "has no row any more" in blockers(row)[KINDS.WORKER_GONE].told


class TestEnded:
    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.CANCELLED])
    def test_an_archived_job_says_how_and_when_it_ended(self, state: JobState):
        blocker = only(make_job(state, finished_at=LONG_AGO))

        assert blocker.kind == state.value
        told = f"it has ended: {state} at 2020-01-01 00:00:00 UTC, attempt 1 of 3"
        assert blocker.told == told

    def test_a_dead_letter_says_why_and_what_to_do(self):
        error = {"type": "ValueError", "message": "no such address"}
        columns = {"reason": "discarded", "error": error, "finished_at": LONG_AGO}

        blocker = only(make_job(JobState.DEAD, **columns))

        assert (blocker.kind, blocker.error) == (KINDS.DEAD, "ValueError: no such address")
        assert blocker.told.startswith("it is a dead letter: discarded at 2020-01-01")
        assert blocker.told.endswith("requeue it to run it again")

    def test_a_job_of_which_there_is_no_trace_is_not_found(self):
        for missing in (unused_id(), BIG_ID, 0):
            with pytest.raises(JobNotFound, match=f"job {missing} is in no table"):
                why(missing)

    def test_an_id_that_no_database_holds_is_not_found(self):
        with pytest.raises(JobNotFound):
            why(2**70)


def test_it_is_the_same_on_a_site_that_uses_naive_times(settings: Any):
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"
    worker = a_worker()
    row = running(worker_id=worker)
    waiting = make_job()

    assert only(row).kind is KINDS.RUNNING
    assert why(waiting.pk).blockers == ()
