"""What every store must do, in sentences. A vendor's own tests add to these, and change none."""

import json
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import msgspec
import pytest
from django.db import DatabaseError, transaction

from django_jobqueue.core.errors import InvalidOptions, UniqueConflict
from django_jobqueue.core.limits import Limit, Limits
from django_jobqueue.core.specs import (
    AttemptReport,
    Cancelled,
    FinishedJob,
    JobFilter,
    NewJob,
    Retention,
    Transition,
    WantedJobs,
    Watermark,
)
from django_jobqueue.core.states import DeathReason, JobState, WorkerState
from django_jobqueue.models import (
    ArchivedJob,
    AttemptRecord,
    DeadJob,
    Job,
    QueueRecord,
    WorkerRecord,
)
from django_jobqueue.models.base import JobRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore
from django_jobqueue.store.transient import is_data_error

from .helpers import (
    BIG_ID,
    HOSTILE_TEXTS,
    LEASE,
    LONG_AGO,
    claim,
    claim_of,
    claimed,
    finish,
    ids_of,
    make_job,
    quarantine_of,
    register_worker,
)

FAILED = AttemptReport(outcome="failed", error_type="ValueError", message="no", traceback="tb")
RELEASED = AttemptReport(outcome="released", message="shutdown")
SNOOZED = AttemptReport(outcome="snoozed")
MINUTE = timedelta(minutes=1)
WEEK = Retention(archive=timedelta(days=7), dead=timedelta(days=90))
FINAL_OR_NOT = {
    "success": {"state": JobState.SUCCEEDED, "result": '"late"'},
    "retry": {"state": JobState.READY, "report": FAILED},
    "snooze": {"state": JobState.SCHEDULED, "delay": 60.0, "report": SNOOZED},
    "death": {"state": JobState.DEAD, "reason": DeathReason.EXHAUSTED, "report": FAILED},
    "cancel": {"state": JobState.CANCELLED},
}
EXACT_JSON = (
    '{"args":[],"kwargs":{}}',
    '{"args":[-0.1,1.5e-7,0.30000000000000004,1.0,1e16],"kwargs":{}}',
    '{"args":[' + str(10**100) + '],"kwargs":{"n":9007199254740993}}',
    '{"args":[{"a":[{"b":[[[]]]}]},null,true,false,""],"kwargs":{"":" "}}',
    '{"args":["line\\nbreak","\\u001b[31m","\\"quoted\\" \\\\","🐍"],"kwargs":{}}',
)


def new(queue: str = "default", **fields) -> NewJob:
    return NewJob(handler="tests.handler", queue=queue, **fields)


def _every_option(now: datetime) -> dict[str, object]:
    """A value other than the default for every column that a run leaves or an option sets."""
    return {
        "handler": "tests.other",
        "queue": "default",
        "priority": 3,
        "payload": {"args": [1], "kwargs": {}},
        "run_at": now,
        "max_attempts": 9,
        "fingerprint": "print",
        "unique_key": "key",
        "deadline_at": now,
        "attempted_at": now,
        "timeout_seconds": 2.5,
        "backoff": {"b": 1},
        "concurrency_key": "c",
        "waits_for": 77,
        "progress": {"p": 1},
        "checkpoints": {"c": 1},
        "meta": {"m": 1},
        "batch_id": BIG_ID,
        "template": "t",
        "schedule": "s",
        "slot": now,
    }


def _every_shared_column(now: datetime) -> dict[str, object]:
    return {
        **_every_option(now),
        "ready_at": now,
        "created_at": now,
        "attempt": 4,
        "reprocess_count": 5,
        "rescues": 2,
        "unique_while": "waiting",
        "claimed_at": now,
        "cancel_requested_at": now,
        "expires_at": now,
        "error": {"type": "Old"},
        "tags": ["a"],
        "requeued_from": 88,
    }


def state_of(store: JobStore, job_id: int) -> JobState | None:
    found = store.find(job_id)
    return found and found.state


class JobStoreContract:
    @pytest.fixture
    def store(self) -> JobStore:
        return store_for("default")

    @pytest.fixture
    def worker(self, store):
        return register_worker(store)

    @pytest.fixture
    def now(self, store) -> datetime:
        return store.database_now()

    # Enqueueing.

    def test_a_job_without_a_time_is_ready_at_once(self, store, now):
        found = store.find(store.insert(new()).id)

        assert found.state is JobState.READY
        assert abs(found.ready_at - now) < MINUTE
        assert found.attempt == 0

    def test_a_job_of_the_future_is_scheduled_for_it(self, store, now):
        at = now + timedelta(hours=1)
        for inserted in (store.insert(new(run_at=at)), *store.insert_many([new(run_at=at)])):
            found = store.find(inserted.id)
            assert (found.state, found.run_at) == (JobState.SCHEDULED, at)

    def test_a_job_of_the_past_is_ready(self, store, now):
        inserted = store.insert(new(run_at=now - MINUTE))

        assert state_of(store, inserted.id) is JobState.READY

    @pytest.mark.parametrize("delay", [0.5, 90.5])
    def test_a_delay_counts_from_the_clock_of_the_store(self, store, delay):
        inserted = store.insert(new(delay=delay), now=LONG_AGO)

        assert store.find(inserted.id).run_at == LONG_AGO + timedelta(seconds=delay)

    @pytest.mark.parametrize("delay", [0.0, -5.0, float("nan")])
    def test_a_delay_that_is_none_makes_the_job_ready(self, store, delay):
        assert state_of(store, store.insert(new(delay=delay)).id) is JobState.READY

    @pytest.mark.parametrize("delay", [1e18, float("inf")])
    def test_a_delay_past_the_end_of_time_is_cut(self, store, now, delay):
        for inserted in (store.insert(new(delay=delay)), *store.insert_many([new(delay=delay)])):
            found = store.find(inserted.id)
            assert found.state is JobState.SCHEDULED
            assert found.run_at > now + timedelta(days=36_000)

    def test_every_option_is_stored(self, store, now):
        options = {
            "priority": -100,
            "expires_at": now + MINUTE,
            "max_attempts": 7,
            "fingerprint": "print",
            "unique_key": "key",
            "concurrency_key": "account:1",
            "requeued_from": 5,
        }
        job = new(
            **options,
            timeout_seconds=1.5,
            backoff='{"kind":"constant"}',
            tags='["a","b"]',
            meta='{"m":1}',
            unique_while="waiting",
            batch_id=BIG_ID,
            template="nightly",
            key_limit=3,
        )
        for inserted in (
            store.insert(job),
            store.insert_many([msgspec.structs.replace(job, unique_key="other")])[0],
        ):
            row = Job.objects.get(pk=inserted.id)
            found = store.find(inserted.id)
            for name, value in options.items():
                if name != "unique_key":
                    assert getattr(found, name) == value
            assert (found.tags, found.meta) == (["a", "b"], {"m": 1})
            assert (row.timeout_seconds, row.backoff) == (1.5, {"kind": "constant"})
            assert (row.batch_id, row.template, row.key_limit) == (BIG_ID, "nightly", 3)
            assert row.unique_while == "waiting"

    @pytest.mark.parametrize("payload", EXACT_JSON)
    def test_a_payload_comes_back_from_every_table_as_it_was(self, store, worker, payload):
        expected = json.loads(payload)
        ids = [store.insert(new(payload=payload)).id]
        ids += [one.id for one in store.insert_many([new(payload=payload), new(payload=payload)])]
        first, second, third = claim(store, worker)
        finish(store, first, JobState.SUCCEEDED, result=payload)
        finish(store, second, JobState.DEAD, reason=DeathReason.DISCARDED)

        for job in (first, second, third):
            assert json.loads(job.payload) == expected
        for job_id in ids:
            assert store.find(job_id).payload == expected
        assert store.find(first.id).result == expected

    def test_the_largest_floats_come_back_as_the_numbers_they_were(self, store, worker):
        numbers = [1e308, -1e308, 1e23, 5e-324]
        store.insert(new(payload=json.dumps({"args": numbers, "kwargs": {}})))
        [job] = claim(store, worker)

        # PostgreSQL writes whole numbers out, so Python reads an int of 309 digits.
        for stored in (json.loads(job.payload), store.find(job.id).payload):
            assert [float(number) for number in stored["args"]] == numbers

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    def test_hostile_texts_are_kept_as_they_are(self, store, worker, text):
        job = NewJob(
            handler=text,
            queue=text,
            fingerprint=text,
            unique_key=text,
            concurrency_key=text,
            template=text,
            tags=msgspec.json.encode([text]).decode(),
            meta=msgspec.json.encode({text: text}).decode(),
        )
        assert store.insert_many([job])[0].created
        [run] = claim(store, worker, text, limits=Limits())
        assert (run.handler, run.queue, run.unique_key) == (text, text, text)
        report = AttemptReport(outcome="failed", error_type=text, message=text, traceback=text)
        error = msgspec.json.encode({"type": text, "message": text}).decode()
        assert finish(store, run, JobState.READY, error=error, report=report)

        found = store.find(run.id)
        assert (found.handler, found.queue, found.fingerprint) == (text, text, text)
        assert (found.tags, found.meta) == ([text], {text: text})
        assert found.error == {"type": text, "message": text}
        [attempt] = store.attempts_of(run.id)
        assert (attempt.error_type, attempt.message, attempt.traceback) == (text, text, text)
        assert store.queues_with_ready_jobs() == [text]
        for wanted in (
            JobFilter(queue=text),
            JobFilter(handler=text),
            JobFilter(tag=text),
            JobFilter(fingerprint=text),
            JobFilter(unique_key=text),
        ):
            assert store.run_now(wanted) == 0
        assert store.cancel(JobFilter(tag=text), reason=text) == Cancelled(cancelled=1)

    def test_texts_may_be_as_long_as_their_column(self, store, worker):
        text = "é" * 255
        inserted = store.insert(
            NewJob(handler=text, queue="q" * 128, fingerprint=text, unique_key=text)
        )
        [run] = claim(store, worker, "q" * 128)
        assert finish(store, run, JobState.SUCCEEDED)
        assert store.find(inserted.id).handler == text

    def test_ids_may_pass_32_bits_everywhere(self, store, worker):
        job_ids = [make_job(id=BIG_ID + n).pk for n in range(3)]
        first, second, third = claim(store, worker)
        assert finish(store, first, JobState.SUCCEEDED)
        assert finish(store, second, JobState.DEAD, reason=DeathReason.DISCARDED, report=FAILED)
        assert finish(store, third, JobState.READY)

        assert [store.find(job_id).id for job_id in job_ids] == job_ids
        assert len(store.attempts_of(second.id)) == 1
        assert store.requeue(JobFilter(ids=(second.id,))) == ([second.id], [])
        assert store.cancel(JobFilter(ids=(third.id,))) == Cancelled(cancelled=1)

    def test_enqueueing_is_part_of_the_callers_transaction(self, store):
        with transaction.atomic():
            store.insert(new())
            store.insert_many([new(), new(unique_key="key")])
            transaction.set_rollback(True)

        assert not Job.objects.exists()

    def test_answers_of_a_bulk_call_come_in_the_order_of_its_jobs(self, store):
        jobs = [
            new(
                payload=f'{{"args":[{n}],"kwargs":{{}}}}',
                unique_key=f"key-{n}" if n % 3 == 0 else None,
            )
            for n in range(1_203)
        ]
        answers = store.insert_many(jobs)

        stored = dict(Job.objects.values_list("id", "payload"))
        assert [stored[answer.id]["args"][0] for answer in answers] == list(range(1_203))
        assert all(answer.created for answer in answers)

    def test_a_bulk_call_of_nothing_does_nothing(self, store):
        assert store.insert_many([]) == []

    # Unique keys.

    def test_a_taken_key_is_answered_with_its_holder(self, store):
        holder = store.insert(new(unique_key="key"))
        second = store.insert(new(unique_key="key"))

        assert holder.created
        assert (second.id, second.created, second.replaced) == (holder.id, False, False)
        assert Job.objects.count() == 1

    def test_a_conflict_may_be_an_error_that_leaves_the_transaction_usable(self, store):
        holder = store.insert(new(unique_key="key"))
        with transaction.atomic():
            with pytest.raises(UniqueConflict) as caught:
                store.insert(new(unique_key="key", on_conflict="raise"))
            store.insert(new(queue="after"))

        assert caught.value.job_id == holder.id
        assert Job.objects.filter(queue="after").exists()

    def test_a_replacement_updates_the_waiting_job(self, store, now):
        holder = store.insert(new(unique_key="key", delay=60))
        payload, later = '{"args":[2],"kwargs":{}}', now + timedelta(hours=2)
        answer = store.insert(
            new(
                unique_key="key",
                on_conflict="replace",
                payload=payload,
                fingerprint="of 2",
                run_at=later,
                priority=9,
            )
        )

        found = store.find(holder.id)
        assert (answer.id, answer.created, answer.replaced) == (holder.id, False, True)
        assert (found.payload["args"], found.run_at, found.priority) == ([2], later, 9)
        assert (found.state, found.fingerprint) == (JobState.SCHEDULED, "of 2")

    def test_a_replacement_that_is_due_readies_a_scheduled_job(self, store, now):
        holder = store.insert(new(unique_key="key", delay=60), now=LONG_AGO)
        store.insert(new(unique_key="key", on_conflict="replace"))

        found = store.find(holder.id)
        assert found.state is JobState.READY
        assert found.ready_at >= now

    def test_a_replaced_job_that_stays_ready_keeps_its_place(self, store):
        holder = store.insert(new(unique_key="key"), now=LONG_AGO)
        store.insert(new(unique_key="key", on_conflict="replace"))

        assert store.find(holder.id).ready_at == LONG_AGO

    def test_a_replacement_does_not_unblock(self, store):
        holder = make_job(JobState.BLOCKED, unique_key="key")
        for delay in (0.0, 60.0):
            assert store.insert(new(unique_key="key", on_conflict="replace", delay=delay)).replaced
            assert state_of(store, holder.pk) is JobState.BLOCKED

    def test_a_running_holder_is_not_replaced(self, store):
        holder = claimed(store, unique_key="key")
        answer = store.insert(new(unique_key="key", on_conflict="replace", payload="{}"))

        assert (answer.id, answer.created, answer.replaced) == (holder.id, False, False)
        assert store.find(holder.id).payload == {"args": [], "kwargs": {}}

    @pytest.mark.parametrize("end", [JobState.SUCCEEDED, JobState.CANCELLED, JobState.DEAD])
    def test_a_key_is_free_once_its_holder_is_final(self, store, end):
        holder = claimed(store, unique_key="key")
        reason = DeathReason.DISCARDED if end is JobState.DEAD else None
        finish(store, holder, end, reason=reason)

        assert store.insert(new(unique_key="key")).created

    def test_a_key_is_held_while_its_job_waits_for_a_retry(self, store):
        holder = claimed(store, unique_key="key")
        finish(store, holder, JobState.SCHEDULED, delay=60.0)

        assert store.insert(new(unique_key="key")).id == holder.id

    def test_a_key_for_waiting_jobs_is_free_from_the_claim_on(self, store):
        first = claimed(store, unique_key="key", unique_while="waiting")
        second = store.insert(new(unique_key="key"))
        finish(store, first, JobState.READY)

        assert second.created
        assert first.unique_key is store.find(first.id).unique_key is None

    @pytest.mark.parametrize("end", [JobState.SUCCEEDED, JobState.DEAD])
    def test_a_window_counts_jobs_that_finished_within_it(self, store, now, end):
        record = make_job(end, unique_key="key", finished_at=now - MINUTE)
        within = store.insert(new(unique_key="key", unique_for=timedelta(hours=1)))
        after = store.insert(new(unique_key="key", unique_for=timedelta(seconds=30)))

        assert (within.id, within.created) == (record.pk, False)
        assert after.created

    def test_a_conflict_within_a_window_may_be_an_error(self, store, now):
        record = make_job(JobState.SUCCEEDED, unique_key="key", finished_at=now)
        with transaction.atomic():
            with pytest.raises(UniqueConflict) as caught:
                store.insert(new(unique_key="key", unique_for=MINUTE, on_conflict="raise"))
            assert not Job.objects.exists()

        assert caught.value.job_id == record.pk

    def test_a_window_counts_the_live_holder_too(self, store):
        holder = store.insert(new(unique_key="key"))
        second = store.insert(new(unique_key="key", unique_for=MINUTE))

        assert (second.id, second.created) == (holder.id, False)

    def test_a_window_without_a_key_means_nothing(self, store, now):
        make_job(JobState.SUCCEEDED, finished_at=now)
        for _ in range(2):
            assert store.insert(new(unique_for=MINUTE)).created

    def test_a_conflict_in_a_bulk_call_skips_its_own_row(self, store):
        holder = store.insert(new(unique_key="taken"))
        answers = store.insert_many(
            [new(), new(unique_key="taken"), new(unique_key="free"), new(unique_key="free"), new()]
        )

        assert [answer.created for answer in answers] == [True, False, True, False, True]
        assert answers[1].id == holder.id
        assert answers[3].id == answers[2].id
        assert Job.objects.count() == 4

    def test_a_bulk_call_may_mix_policies(self, store, now):
        make_job(JobState.SUCCEEDED, unique_key="recent", finished_at=now)
        answers = store.insert_many(
            [
                new(unique_key="key"),
                new(unique_key="key", on_conflict="replace", priority=3),
                new(unique_key="recent", unique_for=MINUTE),
            ]
        )

        assert [answer.created for answer in answers] == [True, False, False]
        assert answers[1].replaced
        assert Job.objects.get().priority == 3

    def test_windows_hold_in_a_bulk_call_and_each_for_its_own_key(self, store, now):
        recent = make_job(JobState.SUCCEEDED, unique_key="recent", finished_at=now)
        answers = store.insert_many(
            [new(unique_key=key, unique_for=MINUTE) for key in ("recent", "new")]
        )

        assert [answer.created for answer in answers] == [False, True]
        assert answers[0].id == recent.pk

    def test_a_bulk_call_that_may_not_conflict_inserts_nothing_at_all(self, store):
        store.insert(new(unique_key="taken"))
        with transaction.atomic():
            with pytest.raises(UniqueConflict):
                store.insert_many([new(), new(unique_key="taken", on_conflict="raise")])
            store.insert(new(queue="after"))

        assert Job.objects.count() == 2

    # Claiming.

    @pytest.fixture(params=[None, Limits()], ids=["without limits", "within limits"])
    def claim(self, request):
        return partial(claim, limits=request.param)

    def test_claims_follow_priority_then_place_in_line_then_id(self, store, worker, now, claim):
        late = store.insert(new(), now=now).id
        high = store.insert(new(priority=5), now=now).id
        early = store.insert(new(), now=now - MINUTE).id
        twin = store.insert(new(), now=now).id
        low = store.insert(new(priority=-5), now=now - 2 * MINUTE).id

        assert ids_of(claim(store, worker, total=3)) == [high, early, late]
        assert ids_of(claim(store, worker)) == [twin, low]

    def test_each_queue_gives_up_to_its_limit_and_all_up_to_the_total(self, store, worker, claim):
        a = ids_of(store.insert_many([new("a")] * 4))
        b = ids_of(store.insert_many([new("b")] * 4))
        taken = claim(store, worker, WantedJobs("b", 2), WantedJobs("a", 3), total=4)

        assert ids_of(taken) == [*b[:2], *a[:2]]
        assert ids_of(claim(store, worker, WantedJobs("a", 0), WantedJobs("b", 9))) == b[2:]

    def test_queues_are_served_in_the_order_that_was_wanted(self, store, worker, claim):
        store.insert_many([new("a", priority=50), new("b")])

        assert [job.queue for job in claim(store, worker, "b", "a")] == ["b", "a"]

    def test_a_claim_of_nothing_takes_nothing_and_asks_nothing(
        self, store, worker, django_assert_num_queries, claim
    ):
        store.insert(new())

        with django_assert_num_queries(0):
            assert claim(store, worker, WantedJobs("default", 5), total=0) == []
            assert claim(store, worker, WantedJobs("default", 5), total=-1) == []
            assert store.claim(worker_id=worker, token=uuid4(), wanted=[], total=5) == []

    def test_queues_without_jobs_give_none(self, store, worker, claim):
        store.insert(new())

        assert claim(store, worker, "another", "queue") == []

    def test_only_ready_jobs_are_claimed(self, store, worker, claim):
        for state in (JobState.SCHEDULED, JobState.BLOCKED, JobState.RUNNING):
            make_job(state)

        assert claim(store, worker) == []

    def test_a_claim_charges_the_attempt_and_bears_the_token(self, store, worker, now, claim):
        inserted, token = store.insert(new(priority=2, max_attempts=1)), uuid4()
        [job] = claim(store, worker, token=token)

        assert (job.id, job.attempt, job.is_last_attempt) == (inserted.id, 1, True)
        assert (job.claim_token, job.worker_id) == (token, worker)
        assert job.ready_at.tzinfo is not None
        assert abs(job.created_at - now) < MINUTE
        found = store.find(job.id)
        assert (found.state, found.claim_token, found.worker_id) == (
            JobState.RUNNING,
            token,
            worker,
        )
        assert found.attempt == 1

    def test_a_claimed_job_is_not_claimed_again(self, store, worker, claim):
        store.insert_many([new()] * 3)
        first = claim(store, worker, total=2)
        second = claim(store, register_worker(store))

        assert len(first) == 2
        assert not set(ids_of(first)) & set(ids_of(second))
        assert len(second) == 1

    def test_a_paused_queue_gives_nothing_and_the_others_do(self, store, worker, claim):
        store.insert_many([new("paused"), new("open")])
        store.pause_queue("paused", reason="maintenance")

        assert [job.queue for job in claim(store, worker, "paused", "open")] == ["open"]

    def test_a_pause_ends_at_its_time(self, store, worker, now, claim):
        store.insert(new())
        store.pause_queue("default", until=now + MINUTE)

        assert claim(store, worker, now=now + timedelta(seconds=59)) == []
        assert claim(store, worker) == []
        assert len(claim(store, worker, now=now + timedelta(seconds=61))) == 1

    def test_a_resumed_queue_gives_jobs_again(self, store, worker, claim):
        store.insert(new())
        store.pause_queue("default")

        assert store.resume_queue("default")
        assert len(claim(store, worker)) == 1
        assert not store.resume_queue("default")
        assert not store.resume_queue("never heard of")

    def test_the_paused_among_some_queues_are_those_a_claim_passes_over(self, store, now):
        store.pause_queue("paused")
        store.pause_queue("until", until=now + MINUTE)
        store.pause_queue("over", until=now - MINUTE)
        store.pause_queue("not asked about")
        store.pause_queue("resumed")
        store.resume_queue("resumed")
        asked = {"paused", "until", "over", "resumed", "never heard of", *HOSTILE_TEXTS}

        assert store.paused_queues(asked) == {"paused", "until"}
        assert store.paused_queues([]) == set()

    @pytest.mark.parametrize("state", [WorkerState.DEAD, WorkerState.STOPPED])
    def test_a_worker_that_is_not_alive_takes_nothing(self, store, worker, state, claim):
        store.insert(new())
        WorkerRecord.objects.filter(pk=worker).update(state=state.value)
        register_worker(store)  # another lives

        assert claim(store, worker) == []
        assert claim(store, uuid4()) == []

    def test_a_claim_says_whether_the_job_has_expired(self, store, worker, now, claim):
        store.insert_many([new(expires_at=now + MINUTE), new(expires_at=now - MINUTE), new()])

        assert [job.is_expired for job in claim(store, worker)] == [False, True, False]
        later = store.insert(new("later", expires_at=now + MINUTE))
        [job] = claim(store, worker, "later", now=now + 2 * MINUTE)
        assert (job.id, job.is_expired) == (later.id, True)

    def test_queues_with_ready_jobs_are_named_once_in_order(self, store, worker, claim):
        store.insert_many([new("b"), new("b"), new("a"), new("waiting", delay=60)])

        assert store.queues_with_ready_jobs() == ["a", "b"]
        claim(store, worker, "a", "b")
        assert store.queues_with_ready_jobs() == []

    @pytest.mark.parametrize("known", ["", "a", "b", "d", "abcde", "edcba", "aceg"])
    def test_whatever_queues_are_known_all_that_have_ready_jobs_are_named(self, store, known):
        store.insert_many([new(queue) for queue in "Aabcdf"])
        marks = (Watermark(0, LONG_AGO),)
        heads = [WantedJobs(queue, 1, marks) for queue in known]

        assert sorted(store.queues_with_ready_jobs(heads)) == list("Aabcdf")

    # Finishing.

    @pytest.mark.parametrize("result", [None, '{"n":1}'], ids=["plain", "with a result"])
    def test_a_success_moves_the_whole_row_to_the_archive(self, store, worker, now, result):
        columns = _every_shared_column(now) | ({"batch_id": None} if result is None else {})
        row = make_job(JobState.RUNNING, worker_id=worker, **columns)
        job = claim_of(row)
        assert finish(store, job, JobState.SUCCEEDED, result=result, attempted_at=now)

        record = ArchivedJob.objects.get(pk=row.pk)
        changed = {"result", "attempted_at"}
        for field in JobRecord._meta.fields:
            if field.name not in changed:
                assert getattr(record, field.name) == getattr(row, field.name), field.name
        assert (record.state, record.attempted_at) == ("succeeded", now)
        assert record.result == (None if result is None else {"n": 1})
        assert abs(record.finished_at - now) < MINUTE
        assert not Job.objects.exists()

    def test_a_death_moves_the_whole_row_to_the_dead_letters(self, store, worker, now):
        row = make_job(JobState.RUNNING, worker_id=worker, **_every_shared_column(now))
        job = claim_of(row)
        reason = DeathReason.UNPROCESSABLE
        assert finish(store, job, JobState.DEAD, reason=reason, error='{"type":"New"}')

        record = DeadJob.objects.get(pk=row.pk)
        for field in JobRecord._meta.fields:
            if field.name not in {"result", "error"}:
                assert getattr(record, field.name) == getattr(row, field.name), field.name
        assert (record.state, record.reason) == ("dead", "unprocessable")
        assert record.error == {"type": "New"}
        assert not Job.objects.exists()

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.DEAD, JobState.READY], ids=str)
    @pytest.mark.parametrize("is_told", [True, False])
    def test_when_its_run_began_is_kept_unless_the_report_knows_better(
        self, store, worker, now, state, is_told
    ):
        row = make_job(JobState.RUNNING, worker_id=worker, attempted_at=now - MINUTE)
        began = now - MINUTE / 2 if is_told else None
        reason = DeathReason.DISCARDED if state is JobState.DEAD else None
        finish(store, claim_of(row), state, reason=reason, attempted_at=began)

        assert store.find(row.pk).attempted_at == (began or now - MINUTE)

    def test_a_success_that_is_not_kept_leaves_no_record(self, store):
        job = claimed(store)

        assert finish(store, job, JobState.SUCCEEDED, keep=False)
        assert store.find(job.id) is None

    def test_a_final_record_keeps_the_last_error_unless_there_is_a_newer(self, store, worker):
        old, newer = '{"type":"Old"}', '{"type":"New"}'
        store.insert_many([new(), new(), new()])
        for job in claim(store, worker):
            finish(store, job, JobState.READY, error=old, report=FAILED)
        first, second, third = claim(store, worker)
        finish(store, first, JobState.SUCCEEDED)
        finish(store, second, JobState.DEAD, reason=DeathReason.EXHAUSTED, error=newer)
        finish(store, third, JobState.DEAD, reason=DeathReason.DISCARDED)

        assert store.find(first.id).error == {"type": "Old"}
        assert store.find(second.id).error == {"type": "New"}
        assert store.find(third.id).error == {"type": "Old"}

    def test_an_error_that_is_none_any_more_is_removed(self, store, worker):
        store.insert_many([new(), new()])
        for job in claim(store, worker):
            finish(store, job, JobState.READY, error='{"type":"Old"}', report=FAILED)
        first, second = claim(store, worker)
        finish(store, first, JobState.SUCCEEDED, error=Transition.NO_ERROR)
        finish(store, second, JobState.READY, error=Transition.NO_ERROR)

        assert ArchivedJob.objects.get(error__isnull=True).pk == first.id
        assert Job.objects.get(error__isnull=True).pk == second.id

    def test_a_retry_without_a_wait_is_ready_at_the_back_of_the_line(self, store, worker):
        store.insert(new("q"), now=LONG_AGO)
        other = store.insert(new("q"), now=LONG_AGO + MINUTE)
        [first] = claim(store, worker, "q", total=1)
        assert finish(store, first, JobState.READY, error='{"type":"E"}', report=FAILED)

        found = store.find(first.id)
        assert (found.state, found.attempt) == (JobState.READY, 1)
        assert (found.claim_token, found.worker_id) == (None, None)
        assert found.error == {"type": "E"}
        assert ids_of(claim(store, worker, "q")) == [other.id, first.id]

    def test_a_retry_with_a_delay_is_scheduled_by_the_clock_of_the_store(self, store, now):
        job = claimed(store)
        assert finish(store, job, JobState.SCHEDULED, delay=3600.0)

        found = store.find(job.id)
        assert found.state is JobState.SCHEDULED
        assert abs(found.run_at - now - timedelta(hours=1)) < MINUTE

    @pytest.mark.parametrize(("delay", "at", "expected"), [(60, 90, 90), (90, 60, 90)])
    def test_a_job_runs_at_the_later_of_its_time_and_its_delay(
        self, store, now, delay, at, expected
    ):
        job = claimed(store)
        run_at = now + timedelta(minutes=at)
        finish(store, job, JobState.SCHEDULED, delay=delay * 60.0, run_at=run_at)

        assert abs(store.find(job.id).run_at - now - timedelta(minutes=expected)) < MINUTE

    def test_a_time_that_is_over_makes_the_job_ready(self, store, now):
        job = claimed(store)
        finish(store, job, JobState.SCHEDULED, run_at=now - MINUTE)

        assert state_of(store, job.id) is JobState.READY

    def test_a_wait_past_the_end_of_time_is_cut(self, store, now):
        job = claimed(store)
        assert finish(store, job, JobState.SCHEDULED, delay=1e18)

        found = store.find(job.id)
        assert found.state is JobState.SCHEDULED
        assert found.run_at > now + timedelta(days=36_000)

    def test_a_release_keeps_the_place_in_line_and_gives_the_attempt_back(self, store, worker):
        first = claimed(store, worker, queue="q")
        store.insert(new("q"))
        finish(store, first, JobState.READY, attempt_change=-1, keeps_place=True, report=RELEASED)

        found = store.find(first.id)
        assert (found.attempt, found.ready_at) == (0, first.ready_at)
        assert claim(store, worker, "q")[0].id == first.id

    def test_a_snooze_gives_the_attempt_back_and_is_counted(self, store):
        job = claimed(store)
        finish(
            store,
            job,
            JobState.SCHEDULED,
            delay=5.0,
            attempt_change=-1,
            reprocess_change=1,
            report=SNOOZED,
        )

        found = store.find(job.id)
        assert (found.attempt, found.reprocess_count) == (0, 1)

    @pytest.mark.parametrize(
        ("report", "rescues"), [(FAILED, 0), (SNOOZED, 0), (RELEASED, 2), (None, 2)]
    )
    def test_rescues_are_forgotten_once_a_run_really_ended(self, store, worker, report, rescues):
        make_job(rescues=2)
        [job] = claim(quarantine_of(store), worker)
        finish(store, job, JobState.READY, report=report)

        assert store.find(job.id).rescues == rescues

    def test_a_run_that_did_not_succeed_leaves_an_attempt(self, store, worker, now):
        job = claimed(store, worker)
        log = '[{"message":"hello"}]'
        report = msgspec.structs.replace(FAILED, log=log)
        began = now - MINUTE
        finish(store, job, JobState.READY, report=report, attempted_at=began, attempt_change=-1)

        [attempt] = store.attempts_of(job.id)
        assert (attempt.attempt, attempt.outcome, attempt.worker_id) == (1, "failed", worker)
        assert (attempt.started_at, attempt.log) == (began, [{"message": "hello"}])
        assert (attempt.error_type, attempt.message, attempt.traceback) == (
            "ValueError",
            "no",
            "tb",
        )
        assert abs(attempt.ended_at - now) < MINUTE
        assert store.find(job.id).attempted_at == began

    def test_each_run_of_a_batch_leaves_an_attempt_of_its_own(self, store, worker, now):
        states = [JobState.CANCELLED, JobState.DEAD, JobState.READY] * 2
        jobs = [claimed(store, worker) for _ in states]
        finished = []
        for job, state in zip(jobs, states, strict=True):
            reason = DeathReason.DISCARDED if state is JobState.DEAD else None
            report = msgspec.structs.replace(FAILED, message=f"of {job.id}")
            transition = Transition(state=state, reason=reason, report=report)
            finished.append(FinishedJob(job, transition, now - job.id * MINUTE))
        store.finish_many(finished)

        for job in jobs:
            [attempt] = store.attempts_of(job.id)
            assert (attempt.message, attempt.started_at, attempt.worker_id, attempt.attempt) == (
                f"of {job.id}",
                now - job.id * MINUTE,
                worker,
                1,
            )

    @pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.DEAD], ids=str)
    def test_a_job_that_never_ran_ends_with_its_attempt_given_back(self, store, state):
        job = claimed(store)
        reason = DeathReason.EXPIRED if state is JobState.DEAD else None
        finish(store, job, state, reason=reason, report=RELEASED, attempt_change=-1)

        [report] = store.attempts_of(job.id)
        assert (store.find(job.id).attempt, report.attempt) == (0, 1)

    def test_a_plain_success_leaves_no_attempt(self, store):
        job = claimed(store)
        finish(store, job, JobState.SUCCEEDED)

        assert store.attempts_of(job.id) == []

    def test_a_batch_may_hold_every_kind_of_transition(self, store, worker):
        store.insert_many([new()] * 6)
        jobs = claim(store, worker)
        kinds = [
            Transition(state=JobState.SUCCEEDED),
            Transition(state=JobState.SUCCEEDED, keep=False),
            Transition(state=JobState.CANCELLED, error='{"type":"Cancel"}'),
            Transition(state=JobState.DEAD, reason=DeathReason.POISON, report=FAILED),
            Transition(state=JobState.READY, report=FAILED),
            Transition(state=JobState.SCHEDULED, delay=60.0, report=SNOOZED),
        ]
        finished = [FinishedJob(job, kind) for job, kind in zip(jobs, kinds, strict=True)]
        assert store.finish_many(list(reversed(finished))) == set(ids_of(jobs))

        assert [state_of(store, job.id) for job in jobs] == [
            JobState.SUCCEEDED,
            None,
            JobState.CANCELLED,
            JobState.DEAD,
            JobState.READY,
            JobState.SCHEDULED,
        ]
        assert AttemptRecord.objects.count() == 3

    def test_a_row_that_cannot_be_stored_is_told_apart_and_stops_no_other(self, store, worker):
        store.insert_many([new()] * 3)
        jobs = claim(store, worker)
        done = [FinishedJob(job, Transition(state=JobState.SUCCEEDED, result="1")) for job in jobs]
        bad = FinishedJob(jobs[1], Transition(state=JobState.SUCCEEDED, result="no JSON"))
        for batch in ([done[0], bad, done[2]], [bad]):
            with pytest.raises(DatabaseError) as caught, transaction.atomic():
                store.finish_many(batch)
            assert is_data_error(caught.value)

        assert Job.objects.filter(state="running").count() == 3
        assert store.finish_many([done[0], done[2]]) == {jobs[0].id, jobs[2].id}
        assert finish(store, jobs[1], JobState.DEAD, reason=DeathReason.DISCARDED)

    def test_a_batch_of_nothing_does_nothing(self, store):
        assert store.finish_many([]) == set()

    def test_finishing_and_claiming_may_be_one_call(self, store, worker):
        first = claimed(store, worker, queue="q")
        waiting = store.insert(new("q"))
        token = uuid4()
        held, taken = store.finish_and_claim(
            [FinishedJob(first, Transition(state=JobState.SUCCEEDED))],
            worker_id=worker,
            token=token,
            wanted=[WantedJobs("q", 5)],
            total=5,
        )

        assert held == {first.id}
        assert [(job.id, job.claim_token) for job in taken] == [(waiting.id, token)]

    @pytest.mark.parametrize("wanted", [[], [WantedJobs("q", 5)]], ids=["nothing", "jobs"])
    @pytest.mark.parametrize("ended", [0, 1])
    @pytest.mark.parametrize(
        "limits",
        [None, Limits(), Limits(queues={"q": Limit(max_running=5)})],
        ids=["without limits", "within limits", "within those of what ends"],
    )
    def test_the_one_call_lets_others_work_meanwhile(self, store, worker, limits, ended, wanted):
        transition = Transition(state=JobState.SUCCEEDED)
        finished = [FinishedJob(claimed(store, worker, queue="q"), transition)] * ended
        store.insert(new("q"))
        times = []

        held, jobs = store.finish_and_claim(
            finished,
            worker_id=worker,
            token=uuid4(),
            wanted=wanted,
            total=5,
            limits=limits,
            meanwhile=lambda: times.append(1),
        )

        assert (len(held), len(jobs), len(times)) == (ended, len(wanted), 1)

    def test_either_half_of_the_one_call_may_be_empty(self, store, worker):
        job = claimed(store, worker, queue="q")
        done = [FinishedJob(job, Transition(state=JobState.SUCCEEDED))]
        nothing = {"worker_id": worker, "token": uuid4(), "wanted": [], "total": 0}

        assert store.finish_and_claim([], **nothing) == (set(), [])
        assert store.finish_and_claim(done, **nothing) == ({job.id}, [])

    # The fence.

    @pytest.mark.parametrize("late", FINAL_OR_NOT.values(), ids=FINAL_OR_NOT)
    def test_a_report_from_before_a_rescue_changes_nothing(self, store, late):
        before = claimed(store, register_worker(store, lease=-LEASE), queue="q")
        store.release_of_dead_workers()
        [after] = claim(quarantine_of(store), register_worker(store), "q")
        known = store.find(before.id), store.attempts_of(before.id)
        assert not finish(store, before, **late)

        assert (store.find(before.id), store.attempts_of(before.id)) == known
        assert known[0].claim_token == after.claim_token
        assert finish(store, after, JobState.SUCCEEDED)

    @pytest.mark.parametrize("late", FINAL_OR_NOT.values(), ids=FINAL_OR_NOT)
    def test_a_report_of_a_job_that_waits_again_changes_nothing(self, store, late):
        job = claimed(store)
        finish(store, job, JobState.SCHEDULED, delay=60.0, report=FAILED)
        known = store.find(job.id), store.attempts_of(job.id)
        assert not finish(store, job, **late)

        assert (store.find(job.id), store.attempts_of(job.id)) == known

    @pytest.mark.parametrize("late", FINAL_OR_NOT.values(), ids=FINAL_OR_NOT)
    @pytest.mark.parametrize("end", [JobState.SUCCEEDED, JobState.DEAD])
    def test_a_second_report_of_a_final_job_changes_nothing(self, store, end, late):
        job = claimed(store)
        finish(store, job, end, reason=DeathReason.DISCARDED if end is JobState.DEAD else None)
        known = store.find(job.id), store.attempts_of(job.id)
        assert not finish(store, job, **late)

        assert (store.find(job.id), store.attempts_of(job.id)) == known
        assert not Job.objects.exists()

    def test_the_same_worker_may_not_report_under_an_older_claim_of_its_own(self, store, worker):
        older = claimed(store, worker, queue="q")
        finish(store, older, JobState.READY, attempt_change=-1, keeps_place=True)
        [newer] = claim(store, worker, "q")
        assert (older.id, older.attempt, older.worker_id) == (
            newer.id,
            newer.attempt,
            newer.worker_id,
        )

        assert not finish(store, older, JobState.SUCCEEDED)
        assert finish(store, newer, JobState.SUCCEEDED)

    def test_one_stale_report_does_not_stop_the_others(self, store, worker):
        store.insert_many([new()] * 5)
        jobs = claim(store, worker)
        finish(store, jobs[2], JobState.READY, keeps_place=True)
        done = [FinishedJob(job, Transition(state=JobState.SUCCEEDED)) for job in jobs]
        held = store.finish_many(done)

        assert held == set(ids_of(jobs)) - {jobs[2].id}
        assert state_of(store, jobs[2].id) is JobState.READY
        assert ArchivedJob.objects.count() == 4

    def test_what_a_claim_wrote_is_known_by_its_token(self, store, worker):
        store.insert_many([new()] * 3)
        archived, dead, running = claim(store, worker)
        finish(store, archived, JobState.SUCCEEDED)
        finish(store, dead, JobState.DEAD, reason=DeathReason.DISCARDED)
        asked = [(job.id, job.claim_token) for job in (archived, dead, running)]

        assert store.written_under(asked) == {archived.id, dead.id}
        assert store.written_under([(archived.id, uuid4()), (99_999, uuid4())]) == set()
        assert store.written_under([]) == set()

    # Cancelling.

    @pytest.mark.parametrize("state", [JobState.SCHEDULED, JobState.BLOCKED, JobState.READY])
    def test_a_waiting_job_is_cancelled_at_once(self, store, now, state):
        job = make_job(state, error={"type": "Old"}, tags=["t"], **_every_option(now))
        assert store.cancel(JobFilter(ids=(job.pk,))) == Cancelled(cancelled=1)

        found = store.find(job.pk)
        assert (found.state, found.error, found.tags) == (
            JobState.CANCELLED,
            {"type": "Old"},
            ["t"],
        )
        assert abs(found.finished_at - now) < MINUTE
        assert not Job.objects.exists()

    def test_the_reason_of_a_cancellation_is_kept_as_its_error(self, store):
        job = make_job()
        store.cancel(JobFilter(ids=(job.pk,)), reason="not needed\x00")

        error = store.find(job.pk).error
        assert error["type"] == "Cancel"
        assert error["message"].startswith("not needed")

    def test_a_running_job_is_asked_to_stop_once(self, store):
        job = claimed(store)
        assert store.cancel(JobFilter(ids=(job.id,))) == Cancelled(asked=1)
        first = store.find(job.id)
        store.cancel(JobFilter(ids=(job.id,)))

        assert first.state is JobState.RUNNING
        assert first.cancel_requested_at is not None
        assert store.find(job.id).cancel_requested_at == first.cancel_requested_at

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.CANCELLED, JobState.DEAD])
    def test_history_is_not_cancelled(self, store, state):
        job = make_job(state)

        assert store.cancel(JobFilter(ids=(job.pk,))) == Cancelled()
        assert state_of(store, job.pk) is state

    @pytest.mark.parametrize("late", ["retry", "snooze"])
    def test_a_job_that_was_to_live_on_is_cancelled_if_that_was_asked(self, store, late):
        job = claimed(store)
        store.cancel(JobFilter(ids=(job.id,)))
        assert finish(store, job, **FINAL_OR_NOT[late])

        assert state_of(store, job.id) is JobState.CANCELLED
        assert not Job.objects.exists()

    def test_what_the_last_run_of_a_cancelled_job_said_is_kept(self, store):
        job = claimed(store)
        store.cancel(JobFilter(ids=(job.id,)))
        assert finish(store, job, state=JobState.READY, error='{"type":"Late"}', report=FAILED)

        assert store.find(job.id).error == {"type": "Late"}
        assert [(one.outcome, one.message) for one in store.attempts_of(job.id)] == [
            ("failed", "no")
        ]

    @pytest.mark.parametrize("end", ["success", "death", "cancel"])
    def test_a_run_that_ended_for_good_first_wins_over_a_request_to_cancel(self, store, end):
        job = claimed(store)
        store.cancel(JobFilter(ids=(job.id,)))
        assert finish(store, job, **FINAL_OR_NOT[end])

        assert state_of(store, job.id) is FINAL_OR_NOT[end]["state"]

    def test_requests_to_cancel_in_a_batch_touch_their_own_jobs_only(self, store, worker):
        store.insert_many([new()] * 3)
        jobs = claim(store, worker)
        store.cancel(JobFilter(ids=(jobs[1].id,)))
        done = [FinishedJob(job, Transition(state=JobState.READY)) for job in jobs]

        assert store.finish_many(done) == set(ids_of(jobs))
        assert [state_of(store, job.id) for job in jobs] == [
            JobState.READY,
            JobState.CANCELLED,
            JobState.READY,
        ]
        assert [len(store.attempts_of(job.id)) for job in jobs] == [0, 1, 0]
        assert store.attempts_of(jobs[1].id)[0].outcome == "cancelled"

    @pytest.mark.parametrize(
        "wanted",
        [
            {"handler": "h"},
            {"queue": "q"},
            {"fingerprint": "f"},
            {"unique_key": "u"},
            {"tag": "t"},
            {"state": JobState.BLOCKED},
            {"queue": "q", "tag": "t", "state": JobState.BLOCKED},
        ],
        ids=lambda wanted: "+".join(wanted),
    )
    def test_a_filter_addresses_what_matches_all_of_it(self, store, wanted):
        meant = make_job(
            JobState.BLOCKED,
            handler="h",
            queue="q",
            fingerprint="f",
            unique_key="u",
            tags=["s", "t"],
        )
        other = make_job(tags=["tt"])

        assert store.cancel(JobFilter(**wanted)) == Cancelled(cancelled=1)
        assert state_of(store, meant.pk) is JobState.CANCELLED
        assert state_of(store, other.pk) is JobState.READY

    def test_a_filter_by_queue_and_another_queues_tag_matches_nothing(self, store):
        make_job(queue="a", tags=["t"])

        assert store.cancel(JobFilter(queue="b", tag="t")) == Cancelled()

    @pytest.mark.parametrize("verb", ["cancel", "run_now", "requeue", "discard_dead"])
    def test_an_empty_filter_is_refused(self, store, verb):
        job, dead = make_job(), make_job(JobState.DEAD)
        with pytest.raises(InvalidOptions, match="at least one of"):
            getattr(store, verb)(JobFilter())

        assert state_of(store, job.pk) is JobState.READY
        assert state_of(store, dead.pk) is JobState.DEAD

    @pytest.mark.parametrize("verb", ["cancel", "run_now", "requeue", "discard_dead"])
    def test_no_ids_and_impossible_ids_match_nothing(self, store, verb):
        make_job(), make_job(JobState.SCHEDULED), make_job(JobState.DEAD)
        for ids in ((), (0, -1, 2**63, 10**30)):
            assert getattr(store, verb)(JobFilter(ids=ids)) in (0, Cancelled(), ([], []))
        assert Job.objects.count() + DeadJob.objects.count() == 3

    def test_the_first_id_is_an_id_like_any_other(self, store):
        make_job(id=1, queue="q")
        assert store.cancel(JobFilter(ids=(1,))) == Cancelled(cancelled=1)
        ArchivedJob.objects.all().delete()
        make_job(id=1, queue="q")
        assert store.cancel(JobFilter(queue="q")) == Cancelled(cancelled=1)

    def test_more_jobs_than_one_batch_holds_are_all_cancelled(self, store):
        ids = ids_of(store.insert_many([new("bulk")] * 1_101))
        store.insert(new("other"))

        assert store.cancel(JobFilter(ids=tuple(ids[:600]))) == Cancelled(cancelled=600)
        assert store.cancel(JobFilter(queue="bulk")) == Cancelled(cancelled=501)
        assert Job.objects.count() == 1

    # Scheduled jobs.

    def test_due_jobs_are_promoted_to_the_back_of_the_line(self, store, worker, now):
        due = store.insert(new("a", delay=60), now=now)
        store.insert(new("b", delay=600), now=now)
        early = store.insert(new("a"), now=now + timedelta(seconds=30))
        answer = store.promote(now=now + timedelta(seconds=61))

        assert (answer.queues, answer.count) == (("a",), 1)
        assert answer.next_due_seconds == pytest.approx(539, abs=0.01)
        assert store.find(due.id).state is JobState.READY
        assert sorted(ids_of(claim(store, worker, "a"))) == sorted([early.id, due.id])

    def test_promotion_takes_the_earliest_first_and_up_to_its_limit(self, store, now):
        delays = [30, 10, 20]
        third, first, second = ids_of(
            store.insert_many([new(delay=delay) for delay in delays], now=now)
        )
        answer = store.promote(limit=2, now=now + MINUTE)

        assert (answer.count, answer.next_due_seconds) == (2, 0.0)
        assert [state_of(store, job_id) for job_id in (first, second, third)] == [
            JobState.READY,
            JobState.READY,
            JobState.SCHEDULED,
        ]

    def test_what_a_promotion_from_some_time_on_leaves_the_next_from_the_beginning_takes(
        self, store, now
    ):
        early, late = ids_of(store.insert_many([new(delay=10), new(delay=30)], now=now))
        later = now + MINUTE
        answers = [
            store.promote(since=now + timedelta(seconds=20), now=later),
            store.promote(now=later),
        ]

        assert sum(answer.count for answer in answers) == 2
        assert {state_of(store, job_id) for job_id in (early, late)} == {JobState.READY}

    def test_promotion_knows_when_nothing_is_scheduled(self, store):
        store.insert(new())
        answer = store.promote()

        assert (answer.queues, answer.count, answer.next_due_seconds) == ((), 0, None)

    def test_scheduled_jobs_may_be_run_now(self, store, worker, now):
        job = store.insert(new(delay=3600))
        make_job(JobState.BLOCKED)

        assert store.run_now(JobFilter(queue="default")) == 1
        assert store.run_now(JobFilter(ids=(job.id,))) == 0
        assert ids_of(claim(store, worker)) == [job.id]
        assert abs(store.find(job.id).run_at - now) < MINUTE

    # Workers.

    def test_a_heartbeat_renews_the_lease(self, store, now):
        worker = register_worker(store, lease=-MINUTE)
        beat = store.heartbeat(worker, lease=LEASE)

        assert (beat.alive, beat.stop_requested) == (True, False)
        assert (beat.cancel_requested, beat.released) == ((), ())
        row = WorkerRecord.objects.get(pk=worker)
        assert abs(row.lease_expires_at - now - LEASE) < timedelta(seconds=10)
        assert store.release_of_dead_workers() == []

    @pytest.mark.parametrize("state", [WorkerState.DEAD, WorkerState.STOPPED])
    def test_a_heartbeat_tells_a_worker_that_it_is_dead(self, store, worker, state):
        WorkerRecord.objects.filter(pk=worker).update(state=state.value)

        assert not store.heartbeat(worker, lease=LEASE).alive
        assert not store.heartbeat(uuid4(), lease=LEASE).alive

    def test_a_heartbeat_brings_what_was_asked_of_the_worker(self, store, worker):
        mine, other = claimed(store, worker), claimed(store)
        store.cancel(JobFilter(ids=(mine.id, other.id)))

        assert store.request_worker_stop(worker)
        beat = store.heartbeat(worker, lease=LEASE)
        assert beat.stop_requested
        assert beat.cancel_requested == (mine.id,)

    def test_only_a_living_worker_can_be_asked_to_stop(self, store, worker):
        store.deregister_worker(worker)

        assert not store.request_worker_stop(worker)
        assert not store.request_worker_stop(uuid4())

    def test_a_heartbeat_gives_back_what_the_worker_does_not_know_of(self, store, worker):
        known, unknown = claimed(store, worker), claimed(store, worker)
        others = claimed(store)
        in_hand = [(known.id, known.claim_token), (unknown.id, uuid4())]
        beat = store.heartbeat(
            worker, lease=LEASE, in_hand=lambda: in_hand, reconcile_after=-MINUTE
        )

        assert beat.released == (unknown.id,)
        found = store.find(unknown.id)
        assert (found.state, found.attempt, found.rescues) == (JobState.READY, 0, 0)
        assert (found.claim_token, found.ready_at) == (None, unknown.ready_at)
        assert state_of(store, known.id) is JobState.RUNNING
        assert state_of(store, others.id) is JobState.RUNNING
        assert not finish(store, unknown, JobState.SUCCEEDED)

    def test_a_heartbeat_leaves_claims_alone_that_are_on_their_way(self, store, worker):
        job = claimed(store, worker)

        assert store.heartbeat(worker, lease=LEASE).released == ()
        assert state_of(store, job.id) is JobState.RUNNING

    def test_a_worker_that_says_good_bye_gives_everything_back(self, store, worker):
        job, others = claimed(store, worker), claimed(store)
        store.deregister_worker(worker)

        found = store.find(job.id)
        assert (found.state, found.attempt, found.rescues) == (JobState.READY, 0, 0)
        assert (found.reprocess_count, found.claim_token) == (0, None)
        assert state_of(store, others.id) is JobState.RUNNING
        row = WorkerRecord.objects.get(pk=worker)
        assert row.state == WorkerState.STOPPED
        assert row.ended_at is not None

    def test_what_a_dead_worker_held_is_rescued(self, store, now):
        worker = register_worker(store)
        job = claimed(store, worker, queue="q")
        Job.objects.filter(pk=job.id).update(attempted_at=now)
        assert store.release_of_dead_workers(now=now + LEASE / 2) == []
        [rescued] = store.release_of_dead_workers(now=now + 2 * LEASE)

        assert (rescued.worker_id, rescued.job_ids, rescued.queues) == (worker, (job.id,), ("q",))
        found = store.find(job.id)
        assert (found.state, found.attempt) == (JobState.READY, 0)
        assert (found.rescues, found.reprocess_count) == (1, 1)
        assert (found.claim_token, found.worker_id) == (None, None)
        assert found.ready_at > job.ready_at
        [attempt] = store.attempts_of(job.id)
        assert (attempt.outcome, attempt.attempt, attempt.worker_id) == ("rescued", 1, worker)
        assert attempt.started_at == now
        assert WorkerRecord.objects.get(pk=worker).state == WorkerState.DEAD
        assert store.release_of_dead_workers(now=now + 2 * LEASE) == []

    @pytest.mark.parametrize("end", ["good bye", "death", "reconciliation"])
    def test_of_two_attempts_the_last_alone_is_given_back(self, store, worker, end):
        first = claimed(store, worker, queue="q")
        finish(store, first, JobState.READY, report=FAILED)
        [second] = claim(store, worker, "q")
        if end == "good bye":
            store.deregister_worker(worker)
        elif end == "death":
            store.release_of_worker(worker, started=None, cause="killed")
        else:
            store.heartbeat(worker, lease=LEASE, reconcile_after=-MINUTE)

        assert (second.attempt, store.find(second.id).attempt) == (2, 1)

    def test_a_dead_worker_without_jobs_is_declared_dead_all_the_same(self, store):
        worker = register_worker(store, lease=-LEASE)
        [rescued] = store.release_of_dead_workers()

        assert (rescued.worker_id, rescued.job_ids) == (worker, ())
        assert not store.heartbeat(worker, lease=LEASE).alive

    def test_the_jobs_of_several_dead_workers_are_told_apart(self, store, worker):
        dead = [register_worker(store, lease=-LEASE) for _ in range(3)]
        held = {one: claimed(store, one).id for one in dead}
        living = claimed(store, worker)
        rescued = store.release_of_dead_workers()

        assert {one.worker_id: one.job_ids for one in rescued} == {
            one: (job_id,) for one, job_id in held.items()
        }
        assert state_of(store, living.id) is JobState.RUNNING

    @pytest.mark.parametrize("state", [None, WorkerState.DEAD, WorkerState.STOPPED])
    def test_a_running_job_without_a_living_worker_is_rescued(self, store, worker, state):
        job = claimed(store, worker)
        rows = WorkerRecord.objects.filter(pk=worker)
        rows.delete() if state is None else rows.update(state=state.value)
        [rescued] = store.release_of_dead_workers()

        assert (rescued.worker_id, rescued.job_ids) == (worker, (job.id,))
        assert state_of(store, job.id) is JobState.READY
        assert store.release_of_dead_workers() == []

    def test_a_rescue_takes_a_bounded_number_and_the_next_one_the_rest(self, store):
        worker = register_worker(store, lease=-LEASE)
        store.insert_many([new()] * 5)
        claim(store, worker)
        rounds = [store.release_of_dead_workers(limit=2) for _ in range(3)]

        assert Job.objects.filter(state="ready").count() == 5
        assert sum(len(one.job_ids) for found in rounds for one in found) == 5

    def test_a_lost_job_whose_cancellation_was_asked_for_is_cancelled(self, store):
        worker = register_worker(store, lease=-LEASE)
        job, other = claimed(store, worker), claimed(store, worker)
        store.cancel(JobFilter(ids=(job.id,)))
        [rescued] = store.release_of_dead_workers()

        assert rescued.job_ids == (other.id,)
        assert state_of(store, job.id) is JobState.CANCELLED
        assert state_of(store, other.id) is JobState.READY

    def test_a_job_that_is_given_back_is_cancelled_if_that_was_asked(self, store, worker):
        good_bye, unknown = claimed(store, worker), claimed(store)
        store.cancel(JobFilter(ids=(good_bye.id, unknown.id)))
        store.deregister_worker(worker)
        store.heartbeat(unknown.worker_id, lease=LEASE, reconcile_after=-MINUTE)

        for job in (good_bye, unknown):
            found = store.find(job.id)
            assert (found.state, found.attempt) == (JobState.CANCELLED, 0)
            assert [one.outcome for one in store.attempts_of(job.id)] == ["cancelled"]

    # Requeueing.

    def test_a_dead_letter_moves_back_under_its_own_id(self, store, worker, now):
        row = make_job(
            JobState.DEAD,
            attempt=3,
            reprocess_count=4,
            rescues=2,
            ready_at=LONG_AGO,
            expires_at=now,
            cancel_requested_at=now,
            error={"type": "Old"},
            result=1,
            **_every_option(now),
        )
        AttemptRecord.objects.create(job_id=row.pk)
        make_job(JobState.SCHEDULED)
        assert store.requeue(JobFilter(ids=(row.pk,))) == ([row.pk], [])

        found = store.find(row.pk)
        assert (found.state, found.requeued_from) == (JobState.READY, row.pk)
        assert (found.attempt, found.reprocess_count, found.rescues) == (0, 0, 0)
        assert (found.claim_token, found.worker_id, found.attempted_at) == (None, None, None)
        assert (found.error, found.result, found.progress) == (None, None, None)
        assert (found.run_at, found.expires_at, found.cancel_requested_at) == (None, None, None)
        assert found.ready_at >= now
        assert (found.payload, found.max_attempts) == (row.payload, row.max_attempts)
        live = Job.objects.get(pk=row.pk)
        assert (live.checkpoints, live.deadline_at, live.waits_for) == (None, None, None)
        assert (live.claimed_at, live.has_next) == (None, False)
        assert live.timeout_seconds == row.timeout_seconds
        assert len(store.attempts_of(row.pk)) == 1
        assert not DeadJob.objects.exists()
        assert ids_of(claim(store, worker, limits=Limits())) == [row.pk]

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.CANCELLED])
    def test_an_archived_job_is_copied_beside_its_record(self, store, now, state):
        row = make_job(state, created_at=LONG_AGO, error={"e": 1}, result=1, **_every_option(now))
        [copy], refused = store.requeue(JobFilter(ids=(row.pk,)))

        found = store.find(copy)
        assert refused == []
        assert copy != row.pk
        assert (found.state, found.requeued_from) == (JobState.READY, row.pk)
        assert (found.payload, found.attempt) == (row.payload, 0)
        assert (found.error, found.result, found.attempted_at) == (None, None, None)
        assert found.created_at >= now
        assert state_of(store, row.pk) is state

    def test_a_requeue_whose_key_is_taken_is_refused_alone(self, store):
        taken, free = (make_job(JobState.DEAD, unique_key=key) for key in ("taken", "free"))
        archived = make_job(JobState.SUCCEEDED, unique_key="taken")
        store.insert(new(unique_key="taken"))
        with transaction.atomic():
            live, refused = store.requeue(JobFilter(ids=(taken.pk, free.pk, archived.pk)))
            assert Job.objects.count() == 2

        assert (live, sorted(refused)) == ([free.pk], sorted([taken.pk, archived.pk]))
        assert state_of(store, taken.pk) is JobState.DEAD

    def test_of_two_dead_letters_with_one_key_the_first_is_requeued(self, store):
        first, second = (make_job(JobState.DEAD, unique_key="key") for _ in range(2))

        assert store.requeue(JobFilter(unique_key="key")) == ([first.pk], [second.pk])

    def test_a_filter_without_ids_or_state_requeues_dead_letters_only(self, store):
        dead = make_job(JobState.DEAD, queue="q")
        make_job(JobState.SUCCEEDED, queue="q")

        assert store.requeue(JobFilter(queue="q")) == ([dead.pk], [])

    @pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.CANCELLED])
    def test_a_filter_by_an_archived_state_requeues_from_the_archive(self, store, state):
        wanted = make_job(state, queue="q")
        make_job(JobState.DEAD, queue="q")
        [copy], _ = store.requeue(JobFilter(queue="q", state=state))

        assert store.find(copy).requeued_from == wanted.pk
        assert Job.objects.count() == 1

    def test_a_filter_by_reason_requeues_the_dead_of_that_reason(self, store):
        poison = make_job(JobState.DEAD, reason=DeathReason.POISON.value)
        make_job(JobState.DEAD)

        assert store.requeue(JobFilter(reason=DeathReason.POISON)) == ([poison.pk], [])
        assert store.cancel(JobFilter(reason=DeathReason.POISON)) == Cancelled()
        assert store.run_now(JobFilter(reason=DeathReason.POISON)) == 0

    def test_a_stale_selection_requeues_nothing(self, store):
        live = make_job()

        assert store.requeue(JobFilter(ids=(live.pk, 999_999))) == ([], [])
        assert store.requeue(JobFilter(state=JobState.READY)) == ([], [])
        assert Job.objects.count() == 1

    def test_a_requeue_may_be_limited_and_refusals_do_not_use_the_limit_up(self, store):
        store.insert(new(unique_key="taken"))
        refused = make_job(JobState.DEAD, queue="q", unique_key="taken")
        dead = [make_job(JobState.DEAD, queue="q").pk for _ in range(3)]

        assert store.requeue(JobFilter(queue="q"), limit=2) == (dead[:2], [refused.pk])
        assert store.requeue(JobFilter(queue="q"), limit=0) == ([], [])

    def test_a_limit_holds_for_dead_letters_and_the_archive_together(self, store):
        dead, archived = (
            [make_job(state).pk for _ in range(2)] for state in (JobState.DEAD, JobState.SUCCEEDED)
        )
        live, _ = store.requeue(JobFilter(ids=(*dead, *archived)), limit=3)

        assert live[:2] == dead
        assert store.find(live[2]).requeued_from == archived[0]
        assert len(live) == 3

    def test_ids_that_match_nothing_do_not_use_a_limit_up(self, store):
        dead = [make_job(JobState.DEAD, id=BIG_ID + n).pk for n in range(2)]
        unknown = range(1_000_000, 1_000_500)

        assert store.requeue(JobFilter(ids=(*unknown, *dead)), limit=2) == (dead, [])

    def test_dead_letters_are_discarded_with_their_attempts(self, store):
        dead, other = make_job(JobState.DEAD, queue="q"), make_job(JobState.DEAD)
        archived = make_job(JobState.SUCCEEDED, queue="q")
        for row in (dead, other, archived):
            AttemptRecord.objects.create(job_id=row.pk)

        assert store.discard_dead(JobFilter(queue="q")) == 1
        assert store.find(dead.pk) is None
        assert set(AttemptRecord.objects.values_list("job_id", flat=True)) == {
            other.pk,
            archived.pk,
        }
        assert store.discard_dead(JobFilter(reason=DeathReason.EXHAUSTED)) == 1

    # Looking.

    @pytest.mark.parametrize("state", list(JobState))
    def test_a_job_is_found_wherever_it_lives(self, store, state):
        row = make_job(state, payload={"args": [1], "kwargs": {"a": None}}, meta={"m": [1.5]})
        found = store.find(row.pk)

        assert (found.id, found.state) == (row.pk, state)
        assert (found.payload, found.meta, found.tags) == (row.payload, {"m": [1.5]}, [])
        assert (found.finished_at is not None) == state.is_final
        assert found.reason == (DeathReason.EXHAUSTED if state is JobState.DEAD else None)
        assert found.created_at.utcoffset() == timedelta(0)

    @pytest.mark.parametrize("job_id", [1, 0, -1, 2**62])
    def test_a_job_that_is_nowhere_is_not_found(self, store, job_id):
        assert store.find(job_id) is None
        assert store.attempts_of(job_id) == []

    def test_attempts_are_told_oldest_first(self, store, worker):
        store.insert(new())
        for message in ("first", "second"):
            [job] = claim(store, worker)
            report = AttemptReport(outcome="failed", message=message)
            finish(store, job, JobState.READY, report=report)

        told = [(one.attempt, one.message) for one in store.attempts_of(job.id)]
        assert told == [(1, "first"), (2, "second")]

    def test_the_numbers_of_a_queue(self, store, worker, now):
        make_job(queue="q", ready_at=now - MINUTE)
        make_job(queue="q", ready_at=now, priority=9)
        for state in (JobState.SCHEDULED, JobState.BLOCKED, JobState.RUNNING, JobState.DEAD):
            make_job(state, queue="q")
        make_job(JobState.SUCCEEDED, queue="q")
        make_job(JobState.SUCCEEDED, queue="q", finished_at=now - 2 * MINUTE)
        make_job(queue="other")
        make_job(JobState.SUCCEEDED, queue="other")
        make_job(JobState.DEAD, queue="other")
        store.pause_queue("q", reason="why")
        stats = store.queue_stats("q")

        assert (stats.ready, stats.scheduled, stats.blocked) == (2, 1, 1)
        assert (stats.running, stats.dead, stats.finished_last_minute) == (1, 1, 1)
        assert stats.oldest_wait == pytest.approx(60, abs=20)
        assert (stats.paused_at is not None, stats.pause_reason) == (True, "why")

    def test_the_numbers_of_an_unknown_queue_are_nought(self, store, now):
        store.pause_queue("another", reason="why")
        stats = store.queue_stats("nothing")

        assert (stats.ready, stats.dead, stats.oldest_wait) == (0, 0, 0.0)
        assert (stats.paused_at, stats.paused_until, stats.pause_reason) == (None, None, "")

    def test_a_pause_that_is_over_is_not_told(self, store, now):
        store.pause_queue("q", reason="why", until=now - MINUTE)
        assert store.queue_stats("q").paused_at is None
        store.pause_queue("q", until=now + MINUTE)
        stats = store.queue_stats("q")

        assert stats.paused_at is not None
        assert (stats.paused_until, stats.pause_reason) == (now + MINUTE, "")

    def test_a_pause_leaves_the_other_settings_of_its_queue(self, store):
        QueueRecord.objects.create(name="q", max_running=3)
        store.pause_queue("q")
        store.resume_queue("q")

        assert QueueRecord.objects.get(name="q").max_running == 3

    def test_progress_is_written_while_the_claim_holds(self, store):
        job = claimed(store)
        done = '{"done":1,"total":3}'
        assert store.save_progress(job.id, job.claim_token, progress=done)
        assert store.save_progress(job.id, job.claim_token, checkpoints='{"a":1.5}')
        assert store.save_progress(job.id, job.claim_token)
        assert not store.save_progress(job.id, uuid4(), progress="null")

        assert store.find(job.id).progress == {"done": 1, "total": 3}
        assert Job.objects.get(pk=job.id).checkpoints == {"a": 1.5}
        finish(store, job, JobState.READY)
        assert not store.save_progress(job.id, job.claim_token, progress="{}")
        assert not store.save_progress(job.id, job.claim_token)

    def test_progress_is_that_of_one_job_of_its_claim(self, store, worker):
        store.insert_many([new(), new()])
        first, second = claim(store, worker)
        assert store.save_progress(first.id, first.claim_token, progress="1", checkpoints="{}")

        other = Job.objects.get(pk=second.id)
        assert (other.progress, other.checkpoints) == (None, None)

    # Retention.

    def test_records_past_their_retention_are_pruned_with_their_attempts(self, store, now):
        day = timedelta(days=1)
        old = make_job(JobState.SUCCEEDED, finished_at=now - 8 * day)
        young = make_job(JobState.SUCCEEDED, finished_at=now - 6 * day)
        dead = make_job(JobState.DEAD, finished_at=now - 91 * day)
        fresh = make_job(JobState.DEAD, finished_at=now - 89 * day)
        for row in (old, old, young, dead, fresh):
            AttemptRecord.objects.create(job_id=row.pk)

        planned = store.prune(WEEK, now=now, dry_run=True)
        assert ArchivedJob.objects.count() + DeadJob.objects.count() == 4
        pruned = store.prune(WEEK, now=now)

        assert (pruned.archived, pruned.dead, pruned.attempts) == (1, 1, 3)
        assert planned == pruned
        assert [store.find(row.pk) is None for row in (old, young, dead, fresh)] == [
            True,
            False,
            True,
            False,
        ]
        kept = set(AttemptRecord.objects.values_list("job_id", flat=True))
        assert kept == {young.pk, fresh.pk}

    def test_a_queue_may_keep_its_records_shorter_or_longer(self, store, now):
        QueueRecord.objects.create(name="short", archive_retention_seconds=60)
        QueueRecord.objects.create(name="long", dead_retention_seconds=10**12)
        hour, century = timedelta(hours=1), timedelta(days=36_000)
        short = make_job(JobState.SUCCEEDED, queue="short", finished_at=now - hour)
        other = make_job(JobState.SUCCEEDED, finished_at=now - hour)
        long = make_job(JobState.DEAD, queue="long", finished_at=now - century)
        gone = make_job(JobState.DEAD, queue="short", finished_at=now - century)
        pruned = store.prune(WEEK, now=now)

        assert (pruned.archived, pruned.dead) == (1, 1)
        assert store.find(short.pk) is None
        assert store.find(gone.pk) is None
        assert store.find(other.pk) is not None
        assert store.find(long.pk) is not None

    def test_one_call_prunes_one_batch_oldest_first(self, store, now):
        ages = [10, 30, 20]
        rows = [make_job(JobState.SUCCEEDED, finished_at=now - timedelta(days=age)) for age in ages]
        assert store.prune(WEEK, batch=2, now=now, dry_run=True).archived == 2
        assert store.prune(WEEK, batch=2, now=now).archived == 2
        assert store.find(rows[0].pk) is not None
        assert store.prune(WEEK, batch=2, now=now).archived == 1
        assert store.prune(WEEK, batch=2, now=now).archived == 0

    def test_a_batch_may_be_larger_than_one_transaction(self, store, now):
        old = now - timedelta(days=8)
        ArchivedJob.objects.bulk_create(
            [ArchivedJob(id=n, finished_at=old) for n in range(1, 1_203)]
        )
        assert store.prune(WEEK, now=now, dry_run=True).archived == 1_000
        assert store.prune(WEEK, now=now).archived == 1_000
        rest = store.prune(WEEK, now=now)
        assert (rest.archived, rest.dead, rest.attempts) == (202, 0, 0)

    def test_a_dry_run_counts_each_record_once_and_no_more_than_a_batch(self, store, now):
        old = now - timedelta(days=8)
        ArchivedJob.objects.bulk_create(
            [ArchivedJob(id=n, finished_at=old, queue=f"q{n % 2}") for n in range(1, 1_301)]
        )
        for batch, count in ((2_000, 1_300), (900, 900), (100, 100)):
            assert store.prune(WEEK, now=now, batch=batch, dry_run=True).archived == count
        assert store.prune(WEEK, now=now, batch=900).archived == 900

    def test_workers_are_forgotten_a_day_after_their_end(self, store, now):
        yesterday = now - timedelta(days=2)
        gone, recent, holding, living = (register_worker(store) for _ in range(4))
        claimed(store, holding)
        ended = WorkerRecord.objects.filter(pk__in=[gone, holding])
        ended.update(state=WorkerState.DEAD.value, ended_at=yesterday)
        WorkerRecord.objects.filter(pk=recent).update(state="stopped", ended_at=now)

        also_gone = register_worker(store)
        WorkerRecord.objects.filter(pk=also_gone).update(state="stopped", ended_at=yesterday)

        assert store.prune(WEEK, now=now, dry_run=True).workers == 2
        assert store.prune(WEEK, now=now, batch=1).workers == 1
        assert store.prune(WEEK, now=now).workers == 1
        assert set(WorkerRecord.objects.values_list("pk", flat=True)) == {
            recent,
            holding,
            living,
        }

    # The connection.

    def test_it_works_within_the_bounds_that_a_thread_sets(self, store):
        with store.pausing_with(lambda seconds: False), store.connecting_within(1):
            assert store.insert(new()).created

    # Deadlines.

    def test_a_claim_gives_a_job_with_a_timeout_its_deadline(self, store):
        free = claimed(store)
        bounded = {seconds: claimed(store, timeout_seconds=seconds) for seconds in (0.5, 100.0)}

        deadlines = dict(Job.objects.values_list("pk", "deadline_at"))
        for seconds, job in bounded.items():
            span = deadlines[job.id] - job.claimed_at - store.overtime
            assert abs(span - timedelta(seconds=seconds)) < timedelta(seconds=0.4)
        assert deadlines[free.id] is None

    def test_how_long_after_its_timeout_is_said_by_who_claims(self, store):
        patient = type(store)(store.using, overtime=timedelta(hours=1))
        job = claimed(patient, timeout_seconds=1.0)

        span = Job.objects.get().deadline_at - job.claimed_at
        assert abs(span - timedelta(hours=1, seconds=1)) < timedelta(seconds=1)

    @pytest.mark.parametrize("timeout", [-1.0, 1e300, float("inf")])
    def test_a_timeout_that_gives_no_deadline_keeps_no_claim_from_its_jobs(self, store, timeout):
        job_id = store.insert(new()).id
        Job.objects.filter(pk=job_id).update(timeout_seconds=timeout)

        assert ids_of(claim(store, register_worker(store))) == [job_id]
        assert Job.objects.get().deadline_at is None

    def test_overdue_is_what_runs_past_its_deadline_the_longest_first(self, store):
        worker = register_worker(store)
        first, second, later = (
            claimed(store, worker, timeout_seconds=seconds) for seconds in (20.0, 10.0, 1000.0)
        )
        claimed(store, worker)
        now = later.claimed_at + store.overtime + MINUTE

        assert store.overdue(now=later.claimed_at) == []
        assert store.overdue(now=now) == [second, first]
        assert store.overdue(now=now, limit=1) == [second]

    def test_a_job_that_does_not_run_is_not_overdue(self, store):
        job = claimed(store, timeout_seconds=1.0)
        later = job.claimed_at + timedelta(days=1)
        finish(store, job, JobState.READY, report=FAILED)

        assert store.overdue(now=later) == []

    # Sites that keep no time zones.

    @pytest.fixture
    def _naive_site(self, settings):
        settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"

    @pytest.mark.usefixtures("_naive_site")
    def test_times_are_aware_utc_on_a_site_that_uses_naive_ones(self, store):
        at = LONG_AGO + timedelta(days=50_000, hours=3)
        worker = register_worker(store)
        job_id = store.insert(new(run_at=at, expires_at=at, unique_key="key")).id
        store.insert(new(run_at=at, unique_key="key", on_conflict="replace"))
        assert (store.find(job_id).run_at, store.find(job_id).expires_at) == (at, at)

        assert store.run_now(JobFilter(ids=(job_id,))) == 1
        store.pause_queue("default", until=at)
        assert store.queue_stats("default").paused_until == at
        store.resume_queue("default")
        [job] = claim(store, worker)
        began = LONG_AGO + timedelta(minutes=1)
        finish(store, job, JobState.READY, report=FAILED, attempted_at=began)
        [attempt] = store.attempts_of(job_id)
        assert attempt.started_at == began
        assert abs(attempt.ended_at - store.database_now()) < MINUTE

    @pytest.mark.usefixtures("_naive_site")
    def test_windows_and_retention_hold_on_a_site_that_uses_naive_times(self, store):
        worker, hour = register_worker(store), timedelta(hours=1)
        store.insert(new(unique_key="key"))
        [job] = claim(store, worker)
        finish(store, job, JobState.SUCCEEDED)

        assert not store.insert(new(unique_key="key", unique_for=MINUTE)).created
        assert store.queue_stats("default").finished_last_minute == 1
        assert store.prune(Retention(archive=hour, dead=hour)).archived == 0
        later = store.database_now() + 2 * hour
        assert store.insert(new(unique_key="key", unique_for=hour), now=later).created
        assert store.prune(Retention(archive=hour, dead=hour), now=later).archived == 1
