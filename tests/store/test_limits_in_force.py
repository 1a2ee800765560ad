"""What is set at run time, as the workers of all hosts read it."""

from uuid import uuid4

import pytest

from django_jobqueue.core.limits import (
    Limit,
    LimitKind,
    LimitName,
    LimitsInForce,
    QueueSettings,
)
from django_jobqueue.core.specs import FinishedJob, Transition, WantedJobs
from django_jobqueue.core.states import JobState
from django_jobqueue.models import LimitRecord, QueueRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import claimed, make_job, register_worker

pytestmark = pytest.mark.django_db

A_HANDLER = LimitName(LimitKind.HANDLER, "tests.handler")


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def test_where_nothing_is_set_nothing_is_in_force(store: JobStore) -> None:
    make_job()
    store.pause_queue("paused")

    assert store.limits_in_force() == LimitsInForce()


@pytest.mark.parametrize("claims", [True, False])
@pytest.mark.parametrize("ends", [True, False])
def test_who_ends_and_claims_without_limits_is_told_of_any(
    store: JobStore, ends: bool, claims: bool
) -> None:
    worker = register_worker(store)
    done = [claimed(store, worker)] if ends else []
    QueueRecord.objects.create(name="mail", concurrency=4)
    make_job(concurrency_key="account:1")
    job = make_job()
    told: list[LimitsInForce] = []

    held, taken = store.finish_and_claim(
        [FinishedJob(one, Transition(state=JobState.SUCCEEDED)) for one in done],
        worker_id=worker,
        token=uuid4(),
        wanted=[WantedJobs("default", 1)] if claims else [],
        total=1,
        in_force=told.append,
    )

    assert told == [LimitsInForce(queues={"mail": QueueSettings(concurrency=4)}, has_keys=True)]
    assert held == {one.id for one in done}
    assert [one.id for one in taken] == ([job.pk] if claims else [])


@pytest.mark.parametrize(
    ("columns", "settings"),
    [
        ({"concurrency": 4}, QueueSettings(concurrency=4)),
        ({"max_running": 5}, QueueSettings(limit=Limit(max_running=5))),
        (
            {"rate": "100/m", "rate_burst": 6},
            QueueSettings(limit=Limit(rate="100/m", rate_burst=6)),
        ),
        ({"backoff": {"kind": "constant"}}, QueueSettings(backoff='{"kind": "constant"}')),
    ],
)
def test_each_setting_of_a_queue_is_in_force_by_itself(
    store: JobStore, columns: dict[str, object], settings: QueueSettings
) -> None:
    QueueRecord.objects.create(name="q", **columns)

    assert store.limits_in_force() == LimitsInForce(queues={"q": settings})


def test_the_limit_of_a_handler_is_in_force_once_an_operator_has_set_it(store: JobStore) -> None:
    LimitRecord.objects.create(kind="handler", name="declared", max_running=1)
    limit = Limit(max_running=3, rate="5/s", rate_burst=2)
    store.set_limit(A_HANDLER, limit)

    assert store.limits_in_force() == LimitsInForce(handlers={"tests.handler": limit})

    assert store.clear_limit(A_HANDLER)
    assert store.limits_in_force() == LimitsInForce()


def test_that_of_a_key_is_looked_up_by_those_who_claim_it(store: JobStore) -> None:
    store.set_limit(LimitName(LimitKind.KEY, "account:1"), Limit(max_running=3))

    assert store.limits_in_force() == LimitsInForce()


def test_whether_any_job_has_a_key_is_told(store: JobStore) -> None:
    make_job(concurrency_key="account:1")

    assert store.limits_in_force() == LimitsInForce(has_keys=True)
    assert store.limits_in_force(keys=False) == LimitsInForce()


def test_a_limit_may_be_set_anew_as_a_whole(store: JobStore) -> None:
    other = LimitName(LimitKind.HANDLER, "other")
    for name in (A_HANDLER, other):
        store.set_limit(name, Limit(max_running=3, rate="5/s", rate_burst=2))
    store.set_limit(A_HANDLER, Limit(max_running=4))

    assert store.limits_in_force().handlers == {
        "tests.handler": Limit(max_running=4),
        "other": Limit(max_running=3, rate="5/s", rate_burst=2),
    }
    assert store.clear_limit(other)
    assert list(store.limits_in_force().handlers) == ["tests.handler"]
    assert not store.clear_limit(LimitName(LimitKind.KEY, "tests.handler"))


def test_settings_of_a_queue_change_what_they_name_and_keep_the_rest(store: JobStore) -> None:
    store.pause_queue("q", reason="why")
    store.configure_queue("q", {"max_running": 3, "rate": "5/s"})
    store.configure_queue("q", {"max_running": 4})
    store.configure_queue("other", {"concurrency": 1})

    assert store.limits_in_force().queues == {
        "q": QueueSettings(limit=Limit(max_running=4, rate="5/s")),
        "other": QueueSettings(concurrency=1),
    }
    assert QueueRecord.objects.get(name="q").pause_reason == "why"


def test_what_was_set_for_a_queue_before_is_told(store: JobStore) -> None:
    assert store.configure_queue("q", {"rate_burst": 3}) == {"rate_burst": 1}
    store.configure_queue("other", {"rate_burst": 7})

    assert store.configure_queue("q", {"rate_burst": 4}) == {"rate_burst": 3}
