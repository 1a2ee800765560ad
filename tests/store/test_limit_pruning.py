"""The rows of concurrency keys go when nobody uses them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from django_jobqueue.core.limits import Limit, LimitKind, LimitName
from django_jobqueue.core.specs import Pruned, Retention
from django_jobqueue.models import LimitRecord
from django_jobqueue.store import store_for

from .helpers import make_job

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RETENTION = Retention(archive=timedelta(days=1), dead=timedelta(days=1))


def pruned(**options: object) -> Pruned:
    return store_for("default").prune(RETENTION, now=NOON, **options)


def kept() -> set[str]:
    return set(LimitRecord.objects.values_list("name", flat=True))


def make_limit(name: str, kind: str = "key", **columns: object) -> None:
    LimitRecord.objects.create(kind=kind, name=name, max_running=1, **columns)


def test_a_key_that_no_job_has_goes() -> None:
    make_limit("used")
    make_limit("unused")
    make_job(concurrency_key="used")

    assert pruned().limits == 1
    assert kept() == {"used"}


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_limit("kept", kind="handler"),
        lambda: make_limit("kept", kind="queue"),
        lambda: make_limit("kept", rate="1/m", next_at=NOON + timedelta(seconds=1)),
        lambda: store_for("default").set_limit(LimitName(LimitKind.KEY, "kept"), Limit()),
    ],
    ids=["a handler", "a queue", "a rate that still holds", "set by an operator"],
)
def test_what_still_says_something_stays(make: Callable[[], None]) -> None:
    make()

    assert pruned() == Pruned()
    assert kept() == {"kept"}


def test_a_rate_that_has_been_kept_to_goes() -> None:
    make_limit("past", rate="1/m", next_at=NOON)

    assert pruned().limits == 1


def test_no_more_than_a_batch_goes_at_once() -> None:
    for number in range(3):
        make_limit(f"key {number}")

    assert pruned(batch=2).largest == 2
    assert len(kept()) == 1


def test_a_dry_run_only_counts() -> None:
    make_limit("unused")

    assert pruned(dry_run=True).limits == 1
    assert kept() == {"unused"}
