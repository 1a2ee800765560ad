"""The record of what operators do, as the store keeps it."""

from datetime import timedelta

import pytest

from django_jobqueue.core.audit import CODE, JOBS_NAMED, Action, NewAudit
from django_jobqueue.core.specs import Retention
from django_jobqueue.models import AuditRecord
from django_jobqueue.store import store_for
from django_jobqueue.store.base import JobStore

from .helpers import HOSTILE_TEXTS

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PAUSE = NewAudit(action=Action.PAUSE_QUEUE, actor=CODE, subject="mail")


@pytest.fixture
def store() -> JobStore:
    return store_for("default")


def test_records_past_their_retention_are_pruned(store: JobStore) -> None:
    old, older, new = store.audit(PAUSE), store.audit(PAUSE), store.audit(PAUSE)
    now = store.database_now()
    for audit_id, age in ((old, 3 * DAY), (older, 4 * DAY), (new, DAY)):
        AuditRecord.objects.filter(pk=audit_id).update(at=now - age)
    two_days = Retention(archive=DAY, dead=DAY, audit=2 * DAY)

    assert store.prune(two_days, dry_run=True).audits == 2
    assert store.prune(two_days, batch=1).audits == 1
    assert not AuditRecord.objects.filter(pk=older).exists()
    assert store.prune(two_days).audits == 1
    assert AuditRecord.objects.get().pk == new


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_what_it_tells_comes_back_as_it_was(store: JobStore, text: str) -> None:
    store.audit(
        NewAudit(action=Action.PAUSE_QUEUE, actor=CODE, subject=text, after={"pause_reason": text})
    )

    record = AuditRecord.objects.get()
    assert (record.subject, record.after) == (text, {"pause_reason": text})


def test_a_record_that_goes_on_names_no_more_jobs_than_it_may(store: JobStore) -> None:
    bulk = NewAudit(action=Action.CANCEL, actor=CODE, job_ids=(1, 2), count=2)
    audit_id, other = store.audit(bulk), store.audit(bulk)

    store.audit_more(audit_id, count=500, job_ids=range(1, 501))

    assert AuditRecord.objects.get(pk=other).count == 2
    record = AuditRecord.objects.get(pk=audit_id)
    assert (record.count, record.job_ids) == (500, list(range(1, JOBS_NAMED + 1)))
