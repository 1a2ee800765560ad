"""What is set for queues and limits at run time."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import QuerySet
from django.db.models.functions import Now

from django_jobqueue.core.limits import Limit, LimitName
from django_jobqueue.models import LimitRecord, QueueRecord

from .connected import ConnectedStore

_LIMIT = Limit.__struct_fields__


class LimitingStore(ConnectedStore):
    """Rows that are few and rarely change."""

    def configure_queue(self, name: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        with self.writing():
            before = self.settings_before(name, settings)
            QueueRecord.objects.using(self.using).bulk_create(
                [QueueRecord(name=name, **settings)],
                update_conflicts=True,
                unique_fields=["name"],
                update_fields=list(settings),
            )
        return before

    def settings_before(self, name: str, columns: Collection[str]) -> Mapping[str, Any]:
        """Return what these columns hold for a queue, whose row is locked if it has one."""
        rows = QueueRecord.objects.using(self.using).filter(name=name).select_for_update()
        row = rows.first() or QueueRecord(rate_burst=1, pause_reason="")
        held = {column: getattr(row, column) for column in columns}
        return {
            column: self.aware(value) if isinstance(value, datetime) else value
            for column, value in held.items()
        }

    def set_limit(self, name: LimitName, limit: Limit) -> Limit | None:
        row = LimitRecord(
            kind=name.kind.value, name=name.name, set_at=Now(), **msgspec.structs.asdict(limit)
        )
        with self.writing():
            before = self._limit_set(name)
            LimitRecord.objects.using(self.using).bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=["kind", "name"],
                update_fields=[*_LIMIT, "set_at"],
            )
        return before

    def clear_limit(self, name: LimitName) -> Limit | None:
        with self.writing():
            before = self._limit_set(name)
            if before is not None:
                self._set_limits(name).update(set_at=None)
        return before

    def _limit_set(self, name: LimitName) -> Limit | None:
        held = self._set_limits(name).select_for_update().values(*_LIMIT).first()
        return None if held is None else Limit(**held)

    def _set_limits(self, name: LimitName) -> QuerySet[LimitRecord]:
        return LimitRecord.objects.using(self.using).filter(
            kind=name.kind.value, name=name.name, set_at__isnull=False
        )
