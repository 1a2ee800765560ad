"""A figure of two hosts is believed only if both took part, so the check must be able to fail."""

from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

import pytest

from benchmarks.errors import BenchmarkFailed
from benchmarks.hosts import check_parts, jobs_by_host
from django_jobqueue.models import ArchivedJob, WorkerRecord

pytestmark = pytest.mark.django_db

_ids = count(100)


def worker(host: str, *, jobs: int) -> None:
    record = WorkerRecord.objects.create(
        id=uuid4(), host=host, lease_expires_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    ArchivedJob.objects.bulk_create(
        ArchivedJob(id=next(_ids), worker_id=record.pk, state="succeeded") for _ in range(jobs)
    )


def test_jobs_are_counted_by_the_host_of_their_worker():
    worker("alpha", jobs=2)
    worker("alpha", jobs=1)
    worker("beta", jobs=3)

    assert jobs_by_host() == {"alpha": 3, "beta": 3}
    check_parts({"alpha", "beta"})


def test_a_host_that_ran_no_job_is_found():
    worker("alpha", jobs=3)
    worker("beta", jobs=0)

    with pytest.raises(BenchmarkFailed, match="no job was run by beta"):
        check_parts({"alpha", "beta"})


def test_a_host_that_has_no_worker_is_found():
    worker("alpha", jobs=3)

    with pytest.raises(BenchmarkFailed, match="no job was run by beta"):
        check_parts({"alpha", "beta"})
