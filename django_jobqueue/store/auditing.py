"""The record of what operators do, in the transaction in which they do it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from django_jobqueue.core.audit import JOBS_NAMED, NewAudit
from django_jobqueue.core.error_text import storable_text
from django_jobqueue.models import AuditRecord

from .connected import ConnectedStore

_WHY_LIMIT = 1_000


class AuditingStore(ConnectedStore):
    """Records are added, and a bulk action's is brought up to date while it goes on."""

    def audit(self, new: NewAudit) -> int:
        row = AuditRecord(
            action=new.action.value,
            actor=storable_text(new.actor.name),
            why=storable_text(new.actor.why)[:_WHY_LIMIT],
            subject=new.subject,
            queue=new.queue,
            asked=_stored(new.asked),
            before=_stored(new.before),
            after=_stored(new.after),
            count=new.count,
            job_ids=list(new.job_ids[:JOBS_NAMED]),
        )
        with self.one_write():
            row.save(using=self.using, force_insert=True)
        return int(row.pk)

    def audit_more(self, audit_id: int, *, count: int, job_ids: Sequence[int]) -> None:
        rows = AuditRecord.objects.using(self.using).filter(pk=audit_id)
        with self.one_write():
            rows.update(count=count, job_ids=list(job_ids[:JOBS_NAMED]))


def _stored(facts: object) -> Any:
    """As JSON takes it: times, ids of workers and values of ours are told as texts and objects."""
    return msgspec.to_builtins(facts)
