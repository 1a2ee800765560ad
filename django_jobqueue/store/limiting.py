"""What is set for queues and limits at run time."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.db.models.functions import Now

from django_jobqueue.core.limits import Limit, LimitName
from django_jobqueue.models import LimitRecord, QueueRecord

from .connected import ConnectedStore


class LimitingStore(ConnectedStore):
    """Rows that are few and rarely change."""

    def configure_queue(self, name: str, settings: Mapping[str, Any]) -> None:
        with self.one_write():
            QueueRecord.objects.using(self.using).bulk_create(
                [QueueRecord(name=name, **settings)],
                update_conflicts=True,
                unique_fields=["name"],
                update_fields=list(settings),
            )

    def set_limit(self, name: LimitName, limit: Limit) -> None:
        row = LimitRecord(
            kind=name.kind.value, name=name.name, set_at=Now(), **msgspec.structs.asdict(limit)
        )
        with self.one_write():
            LimitRecord.objects.using(self.using).bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=["kind", "name"],
                update_fields=["max_running", "rate", "rate_burst", "set_at"],
            )

    def clear_limit(self, name: LimitName) -> bool:
        rows = LimitRecord.objects.using(self.using).filter(
            kind=name.kind.value, name=name.name, set_at__isnull=False
        )
        with self.one_write():
            return rows.update(set_at=None) > 0
