import pytest
from django.db import transaction

from django_jobqueue import JobHandle
from django_jobqueue.core.errors import UniqueConflict
from django_jobqueue.models import Job
from tests.handlers import add

pytestmark = pytest.mark.django_db


def stored(handle: JobHandle) -> Job:
    return Job.objects.get(pk=handle.id)


def test_a_second_job_with_the_same_arguments_is_the_first():
    unique = add.using(unique=True)
    first, again, other = unique.enqueue(1), unique.enqueue(1), unique.enqueue(2)

    assert again == first
    assert (first.created, again.created, other.created) == (True, False, True)
    assert Job.objects.count() == 2


def test_one_call_has_one_key_however_it_is_written():
    unique = add.using(unique=True)

    assert unique.enqueue(1, 2) == unique.enqueue(b=2, a=1)


def test_a_key_by_one_argument_ignores_the_others():
    unique = add.using(unique_by=["a"])

    assert unique.enqueue(1, 2) == unique.enqueue(1, 3)
    assert unique.enqueue(2, 2).created


def test_a_key_of_the_callers_own_is_stored_as_it_is():
    assert stored(add.using(unique_key="only one").enqueue(1)).unique_key == "only one"


def test_raise_names_the_job_that_holds_the_key_and_keeps_the_transaction_usable():
    first = add.using(unique_key="k").enqueue(1)

    with transaction.atomic():
        with pytest.raises(UniqueConflict) as conflict:
            add.using(unique_key="k", on_conflict="raise").enqueue(2)
        add.enqueue(3)

    assert conflict.value.job_id == first.id
    assert Job.objects.count() == 2


def test_replace_changes_the_waiting_job():
    debounced = add.using(unique_key="k", on_conflict="replace")
    first = debounced.enqueue(1)
    second = debounced.enqueue(2)

    assert second == first
    assert stored(first).payload["kwargs"] == {"a": 2}


def test_a_taken_key_skips_its_row_of_a_bulk_call_only():
    unique = add.using(unique_by=["a"])
    first = unique.enqueue(1)

    handles = unique.enqueue_many([{"a": 0}, {"a": 1}, {"a": 2}])

    assert [handle.created for handle in handles] == [True, False, True]
    assert handles[1] == first


def test_with_raise_a_taken_key_stores_nothing_of_a_bulk_call():
    unique = add.using(unique_by=["a"], on_conflict="raise")
    first = unique.enqueue(1)

    with transaction.atomic():
        with pytest.raises(UniqueConflict):
            unique.enqueue_many([{"a": 0}, {"a": 1}, {"a": 2}])
        assert [row.pk for row in Job.objects.all()] == [first.id]


def test_a_fingerprint_of_the_callers_own_makes_no_key():
    labelled = add.using(fingerprint="all of them")

    assert labelled.enqueue(1) != labelled.enqueue(2)
