"""How often a job may run: what the call says, then its handler, its queue, and the settings."""

from collections.abc import Callable

import pytest
from django.test import override_settings

from django_jobqueue import JobHandle, NoRetry, Queue, job
from django_jobqueue.jobs.registry import Registry
from django_jobqueue.models import Job

pytestmark = pytest.mark.django_db

Enqueue = Callable[..., JobHandle]


@job(name="tests.says_nothing", registry=Registry())
def says_nothing() -> None: ...


@job(name="tests.says_four", registry=Registry(), max_attempts=4)
def says_four() -> None: ...


@job(name="tests.never_again", registry=Registry(), backoff=NoRetry())
def never_again() -> None: ...


def one_by_one(enqueuer) -> JobHandle:
    return enqueuer.enqueue()


def in_bulk(enqueuer) -> JobHandle:
    return enqueuer.enqueue_many([{}, {}])[1]


def attempts_of(handle: JobHandle) -> int:
    return Job.objects.get(pk=handle.id).max_attempts


@pytest.fixture(autouse=True)
def mail_has_seven():
    Queue("mail").configure(max_attempts=7)


@pytest.mark.parametrize("enqueue", [one_by_one, in_bulk])
class TestOrder:
    def test_a_queue_goes_before_the_settings(self, enqueue: Enqueue):
        assert attempts_of(enqueue(says_nothing.using(queue="mail"))) == 7

    @override_settings(JOBQUEUE={"MAX_ATTEMPTS": 9})
    def test_a_queue_that_says_nothing_leaves_it_to_the_settings(self, enqueue: Enqueue):
        Queue("other").configure(max_running=1)

        assert attempts_of(enqueue(says_nothing.using(queue="other"))) == 9
        assert attempts_of(enqueue(says_nothing.using(queue="without a row"))) == 9

    def test_a_handler_goes_before_its_queue(self, enqueue: Enqueue):
        assert attempts_of(enqueue(says_four.using(queue="mail"))) == 4

    def test_a_call_goes_before_everything(self, enqueue: Enqueue):
        assert attempts_of(enqueue(says_four.using(queue="mail", max_attempts=3))) == 3
        assert attempts_of(enqueue(says_nothing.using(queue="mail", max_attempts=2))) == 2

    def test_without_a_backoff_there_is_one(self, enqueue: Enqueue):
        assert attempts_of(enqueue(never_again.using(queue="mail"))) == 1

    def test_so_it_is_with_a_unique_key(self, enqueue: Enqueue):
        handle = enqueue(says_nothing.using(queue="mail", unique=True))

        assert attempts_of(handle) == 7
