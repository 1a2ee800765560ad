"""Which limits refuse a job, told from what was gathered about them."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from django_jobqueue.core.limits import HandlerLimits, Limit, LimitKind, LimitName
from django_jobqueue.core.refusals import NAMED, Bounds
from django_jobqueue.core.snapshots import JobSnapshot, LimitSnapshot, RunningJob

from .snapshots import a_job

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONE, TWO = Limit(max_running=1), Limit(max_running=2)
OF_HANDLER, OF_KEY = LimitName(LimitKind.HANDLER, "send"), LimitName(LimitKind.KEY, "k")


def running(number: int, *, key: str | None = None, worker: UUID | None = None) -> RunningJob:
    return RunningJob(id=number, queue="mail", handler="send", key=key, worker_id=worker)


def refusing(bounds: Bounds, job: JobSnapshot) -> list[str]:
    return [refusal.name for refusal in bounds.refusals(job, NOON, ())]


def row(name: LimitName, limit: Limit, *, set_at: datetime | None = None) -> LimitSnapshot:
    return LimitSnapshot(name=name, limit=limit, set_at=set_at, next_at=None)


def test_a_job_that_bears_an_alias_is_under_the_limit_of_its_handler():
    job = a_job(handler="old", concurrency_key="k")
    queue = LimitName(LimitKind.QUEUE, "mail")

    assert Bounds(handlers=("send", "old")).names(job) == [queue, OF_HANDLER, OF_KEY]
    assert Bounds().names(job)[1] == LimitName(LimitKind.HANDLER, "old")


def test_what_claims_wrote_is_believed_where_nothing_is_declared_here_or_somebody_set_it():
    facts = {"handlers": ("send",), "running": [running(2)]}
    declared = HandlerLimits(name="send", limit=TWO)

    unknown = Bounds(**facts).with_rows([row(OF_HANDLER, ONE)])
    known = Bounds(**facts, declared=declared).with_rows([row(OF_HANDLER, ONE)])
    was_set = Bounds(**facts, declared=declared).with_rows([row(OF_HANDLER, ONE, set_at=NOON)])

    assert refusing(unknown, a_job()) == ["handler:send"]
    assert refusing(known, a_job()) == []
    assert refusing(was_set, a_job()) == ["handler:send"]


def test_of_a_key_those_are_counted_that_have_it():
    job = a_job(concurrency_key="k", key_limit=2)

    assert refusing(Bounds(running=[running(2, key="k"), running(3, key="other")]), job) == []
    assert refusing(Bounds(running=[running(2, key="k"), running(3, key="k")]), job) == ["key:k"]


def test_a_limit_of_each_process_refuses_nothing_where_no_process_serves_the_job():
    declared = HandlerLimits(name="send", concurrency=1)
    bounds = Bounds(handlers=("send",), declared=declared, running=[running(2, worker=uuid4())])

    assert refusing(bounds, a_job()) == []


@pytest.mark.parametrize(
    ("most", "jobs"),
    [(0, ""), (1, ": job 1"), (NAMED, ": jobs 1, 2, 3, 4, 5"), (6, ": jobs 1, 2, 3, 4, 5, …")],
)
def test_the_first_few_that_hold_a_full_limit_are_named(most: int, jobs: str):
    bounds = Bounds(
        handlers=("send",),
        declared=HandlerLimits(name="send", limit=Limit(max_running=most)),
        running=[running(number + 1) for number in range(most)],
    )

    [refusal] = bounds.refusals(a_job(), NOON, ())

    assert refusal.told == f"the limit of handler 'send' is full: {most} of {most} run{jobs}"
