"""Why a job is not running, where limits refuse it: which, and who holds them."""

from uuid import UUID

import pytest

from django_jobqueue import Queue, why
from django_jobqueue.core.limits import Limit, LimitKind, LimitName
from django_jobqueue.core.states import JobState
from django_jobqueue.core.why import BlockerKind
from django_jobqueue.models import LimitRecord
from django_jobqueue.store import store_for
from tests.store.helpers import LONG_AGO, make_job

from .explained import LATER, a_worker, blockers, only, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker() -> UUID:
    return a_worker()


class TestLimits:
    def test_a_full_limit_of_a_handler_is_told_with_those_that_hold_it(self, worker: UUID):
        held = [running(handler="tests.why.old"), running(handler="tests.why.limited", queue="x")]
        running()

        blocker = only(make_job(handler="tests.why.limited"))

        assert blocker.kind is BlockerKind.LIMIT_FULL
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
    def test_of_a_queue_its_settings_are_believed_and_not_what_a_claim_wrote(self):
        LimitRecord.objects.create(kind="queue", name="mail", max_running=1)
        running(queue="mail")

        assert why(make_job(queue="mail").pk).blockers == ()

    @pytest.mark.usefixtures("worker")
    def test_a_rate_tells_when_the_next_may_start(self):
        name = "tests.why.paced"
        LimitRecord.objects.create(kind="handler", name=name, rate="2/m", next_at=LATER)

        blocker = only(make_job(handler=name))

        assert (blocker.kind, blocker.until) == (BlockerKind.RATE, LATER)
        told = "the rate of handler 'tests.why.paced', 2/m, lets the next start at 2100-01-01"
        assert blocker.told.startswith(told)

    def test_a_queue_of_which_every_process_runs_its_share_is_full(self):
        Queue("mail").configure(concurrency=1)
        first, second = a_worker(), a_worker()
        held = [running(queue="mail", worker_id=first)]
        row = make_job(queue="mail")
        assert why(row.pk).blockers == ()

        held.append(running(queue="mail", worker_id=second))

        assert only(row).kind is BlockerKind.LIMIT_FULL
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

        assert list(found) == [BlockerKind.LIMIT_FULL, BlockerKind.BEHIND]
        assert found[BlockerKind.BEHIND].told == "1 job is ahead of it"

    @pytest.mark.usefixtures("worker")
    def test_a_blocked_job_whose_limit_has_room_again_waits_for_a_worker_to_look(self):
        columns = {"handler": "tests.why.limited", "blocked_by": "handler:tests.why.limited"}

        blocker = only(make_job(JobState.BLOCKED, **columns))

        assert blocker.kind is BlockerKind.BLOCKED
        assert blocker.told.startswith("'handler:tests.why.limited' blocked it and has room again")

    @pytest.mark.usefixtures("worker")
    def test_a_job_that_went_on_after_another_is_blocked_by_the_limit_alone(self):
        before = make_job(JobState.SUCCEEDED)
        columns = {"handler": "tests.why.limited", "blocked_by": "handler:tests.why.limited"}

        blocker = only(make_job(JobState.BLOCKED, **columns, waits_for=before.pk))

        assert blocker.kind is BlockerKind.BLOCKED

    @pytest.mark.usefixtures("worker")
    def test_what_is_full_now_says_nothing_of_a_job_that_is_due_later(self):
        Queue("mail").configure(max_running=1)
        running(queue="mail")

        row = make_job(JobState.SCHEDULED, queue="mail", run_at=LATER)

        assert only(row).kind is BlockerKind.NOT_DUE
