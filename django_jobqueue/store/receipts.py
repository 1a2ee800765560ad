"""Enqueues under a receipt: stored once, however often they are tried."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError

from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.models import ReceiptRecord

from .batching import BatchingStore

#: How long the receipt of an enqueue tells that it was stored.
RECEIPT_RETENTION = timedelta(days=8)


class ReceiptStore(BatchingStore):
    """The receipt is inserted with the jobs, so that either both are there or neither."""

    def insert_once(self, receipt: UUID, jobs: Sequence[NewJob]) -> list[Inserted] | None:
        try:
            with self.writing():
                answers = self.insert_all(jobs)
                self._keep_receipt(receipt, [one.id for one in answers])
        except _AlreadyStored:
            return None
        return answers

    def jobs_of_receipt(self, receipt: UUID) -> list[int] | None:
        rows = ReceiptRecord.objects.using(self.using).filter(pk=receipt)
        return rows.values_list("job_ids", flat=True).first()

    def settle_receipt(self, receipt: UUID, job_ids: Sequence[int]) -> bool:
        try:
            with self.writing():
                self._keep_receipt(receipt, job_ids)
        except _AlreadyStored:
            return False
        return True

    def _keep_receipt(self, receipt: UUID, job_ids: Sequence[int]) -> None:
        """Last, so that nobody waits for a row of ours who is not about to do the same again."""
        rows = ReceiptRecord.objects.using(self.using)
        try:
            rows.bulk_create([ReceiptRecord(id=receipt, job_ids=list(job_ids))])
        except IntegrityError as error:
            raise _AlreadyStored from error


class _AlreadyStored(Exception):
    """Rolls back what another flush, or an earlier try, has stored under the same receipt."""
