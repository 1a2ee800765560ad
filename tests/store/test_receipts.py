"""Receipts: an enqueue that was stored under one is not stored again."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from django_jobqueue.core.errors import UniqueConflict
from django_jobqueue.core.specs import NewJob, Retention
from django_jobqueue.models import Job, ReceiptRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.receipts import RECEIPT_RETENTION

pytestmark = pytest.mark.django_db

PLAIN = NewJob(handler="h")
KEYED = NewJob(handler="h", unique_key="k", on_conflict="raise")
RETENTION = Retention(archive=timedelta(days=1), dead=timedelta(days=1))


def test_the_receipt_tells_the_jobs_in_their_order() -> None:
    store, receipt = store_for("default"), uuid4()

    answers = store.insert_once(receipt, [PLAIN, KEYED, PLAIN])

    assert answers is not None
    assert store.jobs_of_receipt(receipt) == [one.id for one in answers]
    assert store.jobs_of_receipt(uuid4()) is None


@pytest.mark.parametrize("jobs", [[PLAIN], [PLAIN, PLAIN]])
def test_a_second_time_nothing_is_stored_and_the_transaction_stays_usable(
    jobs: list[NewJob],
) -> None:
    store, receipt = store_for("default"), uuid4()
    with transaction.atomic():
        first = store.insert_once(receipt, jobs)
        assert store.insert_once(receipt, jobs) is None

        assert Job.objects.count() == len(jobs)
    assert first is not None
    assert store.jobs_of_receipt(receipt) == [one.id for one in first]


def test_jobs_that_are_refused_leave_no_receipt() -> None:
    store, receipt = store_for("default"), uuid4()
    store.insert(KEYED)

    with pytest.raises(UniqueConflict):
        store.insert_once(receipt, [PLAIN, KEYED])

    assert store.jobs_of_receipt(receipt) is None
    assert Job.objects.count() == 1


def test_an_enqueue_that_was_given_up_can_be_answered_without_a_job() -> None:
    store, receipt = store_for("default"), uuid4()

    assert store.settle_receipt(receipt, [7])
    assert not store.settle_receipt(receipt, [8])
    assert store.jobs_of_receipt(receipt) == [7]
    assert store.insert_once(receipt, [PLAIN]) is None


def test_receipts_are_pruned_after_their_time_in_batches_the_oldest_first() -> None:
    store = store_for("default")
    now = store.database_now()
    ages = {days: uuid4() for days in (1, 9, 10, 11)}
    for days, receipt in ages.items():
        store.settle_receipt(receipt, [])
        aged = store.storable_time(now - timedelta(days=days))  # type: ignore[attr-defined]
        ReceiptRecord.objects.filter(pk=receipt).update(created_at=aged)
    assert timedelta(days=8) == RECEIPT_RETENTION

    assert store.prune(RETENTION, dry_run=True).receipts == 3
    assert store.prune(RETENTION, batch=2).receipts == 2
    assert set(ReceiptRecord.objects.values_list("pk", flat=True)) == {ages[1], ages[9]}
    assert store.prune(RETENTION, batch=2).receipts == 1
    assert store.prune(RETENTION).receipts == 0
    assert connection.in_atomic_block
