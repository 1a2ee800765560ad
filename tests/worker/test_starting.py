"""A worker in threads of the process that starts it."""

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from django_jobqueue import JobState, StartedWorker, start_worker
from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.core.states import WorkerState
from django_jobqueue.models import WorkerRecord
from django_jobqueue.service import ServiceError, ServiceFailed
from tests.handlers import add, greet

from . import service_tasks
from .site import COMMITTED, PATIENCE, within

pytestmark = COMMITTED
HERE = service_tasks.__name__

Configure = Callable[..., None]


@pytest.fixture(autouse=True)
def configure(settings: Any) -> Configure:
    """Give JOBQUEUE these keys; called once with those that all tests have."""
    service_tasks.may_hold.clear()
    service_tasks.has_run.clear()

    def set_keys(**keys: object) -> None:
        settings.JOBQUEUE = {"CONCURRENCY": 2, "POLL_INTERVAL": 0.2, "DRAIN": 5, **keys}

    set_keys()
    return set_keys


def names_of_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("jobqueue-")]


def test_it_runs_jobs_until_the_block_is_left():
    with start_worker():
        assert add.enqueue(a=1).wait(PATIENCE).state == JobState.SUCCEEDED

    assert names_of_threads() == []


def test_it_returns_when_jobs_are_looked_for():
    with start_worker() as started:
        assert isinstance(started, StartedWorker)
        assert "jobqueue-pump" in names_of_threads()
        assert started.join(timeout=0) is False


def test_stop_returns_at_once_and_join_says_that_it_has_ended():
    started = start_worker()
    started.stop()
    started.stop()

    assert started.join(PATIENCE) is True


def test_each_call_adds_one_worker():
    with start_worker(), start_worker():
        alive = WorkerRecord.objects.filter(state=WorkerState.ALIVE)
        assert within(PATIENCE, lambda: alive.count() == 2)

    assert alive.count() == 0


def test_only_the_named_queues_are_served():
    with start_worker(queues=["mail"]):
        other, served = add.enqueue(a=1), greet.enqueue(name="Ada")
        assert served.wait(PATIENCE).state == JobState.SUCCEEDED

    assert other.refresh().state == JobState.READY


def test_its_options_come_before_the_settings():
    with start_worker(concurrency=7, async_concurrency=1):
        assert within(PATIENCE, WorkerRecord.objects.exists)

        assert WorkerRecord.objects.get().concurrency == 7


def test_it_leaves_signals_to_their_owner():
    watched = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in watched]
    with start_worker():
        assert [signal.getsignal(number) for number in watched] == before


def test_it_can_be_started_from_any_thread():
    started: list[StartedWorker] = []
    thread = threading.Thread(target=lambda: started.append(start_worker()))
    thread.start()
    thread.join(PATIENCE)

    with started[0]:
        assert add.enqueue(a=1).wait(PATIENCE).state == JobState.SUCCEEDED


def test_what_went_wrong_is_raised_by_join(configure: Configure):
    configure(SERVICES=[f"{HERE}.Breaking"])
    started = start_worker()
    service_tasks.may_hold.set()

    for _ in range(2):
        with pytest.raises(ServiceFailed, match="Task breaking failed: no more prices"):
            started.join(PATIENCE)


def test_a_worker_that_cannot_begin_raises_why(configure: Configure):
    configure(SERVICES=[f"{HERE}.Impossible"])

    with pytest.raises(ServiceFailed, match="Task impossible failed: the moon is missing"):
        start_worker()


def test_a_worker_that_ends_well_before_it_began_is_an_error_too(configure: Configure):
    configure(SERVICES=[f"{HERE}.Held", f"{HERE}.Brief"])

    with pytest.raises(ServiceError, match="was stopped before it looked for jobs"):
        start_worker()


def test_one_that_does_not_begin_in_time_is_stopped(configure: Configure):
    configure(SERVICES=[f"{HERE}.Held"])

    with pytest.raises(TimeoutError, match=r"did not begin to look for jobs within 0\.3 s"):
        start_worker(timeout=0.3)

    assert service_tasks.has_run.is_set()
    assert names_of_threads() == []


def test_settings_that_cannot_be_right_are_refused_before_anything_runs(configure: Configure):
    configure(SERVICES=["nowhere"])

    with pytest.raises(InvalidSettings, match="'nowhere', which cannot be imported"):
        start_worker()


def test_one_name_is_no_list_of_queues():
    with pytest.raises(TypeError, match="queues is 'mail'"):
        start_worker(queues="mail")
