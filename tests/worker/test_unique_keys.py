"""When the key of a unique job is free again."""

import pytest

from django_jobqueue import Constant, Discard, JobState, Retry, Snooze

from .site import COMMITTED, Gate, Site

pytestmark = COMMITTED


@pytest.mark.parametrize("error", [None, Discard("no")], ids=["archived", "dead"])
def test_the_key_is_free_once_its_holder_is_final(site: Site, error: Exception | None) -> None:
    def end() -> None:
        if error is not None:
            raise error

    job = site.job(end, unique=True)
    first = job.enqueue()
    assert job.enqueue() == first
    site.work()

    second = job.enqueue()
    assert (second.created, second == first) == (True, False)


@pytest.mark.parametrize("answer", [Retry(delay=3600), Snooze(delay=3600)], ids=["retry", "snooze"])
def test_a_job_that_will_run_again_keeps_its_key(site: Site, answer: Exception) -> None:
    job = site.job(lambda: answer, name="again", unique=True)
    first = job.enqueue()
    site.work()

    assert first.refresh().state == JobState.SCHEDULED
    assert job.enqueue() == first


def test_a_running_job_holds_its_key(site: Site) -> None:
    gate = Gate()
    job = site.job(gate.pass_through, name="slow", unique=True)
    first = job.enqueue()
    with site.working():
        gate.entered()
        assert job.enqueue() == first
        gate.open()
        site.told.wait_for("job.succeeded")


def test_a_key_for_the_waiting_time_is_free_at_the_claim(site: Site) -> None:
    gate = Gate()
    job = site.job(gate.pass_through, name="slow", unique=True, unique_while="waiting")
    first = job.enqueue()
    assert job.enqueue() == first
    with site.working(concurrency=1):
        gate.entered()
        second = job.enqueue()
        assert (second.created, second == first) == (True, False)
        gate.open()
        site.told.wait_for("job.succeeded", times=2)


def test_a_key_for_the_waiting_time_stays_free_when_its_job_is_retried(site: Site) -> None:
    runs = []

    def fail_at_first() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ConnectionError

    job = site.job(fail_at_first, unique=True, unique_while="waiting", backoff=Constant(3600))
    first = job.enqueue()
    site.work()

    second = job.enqueue()
    assert (first.refresh().state, second.created) == (JobState.SCHEDULED, True)
