"""Schedules as people and declarations see them: saved, declared, paused, looked at."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast, Now

from django_jobqueue.core.error_text import storable_text
from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.schedule_errors import InvalidSchedule, ScheduleNotFound, UnknownTimeZone
from django_jobqueue.core.schedules import (
    SLOTS_KEPT,
    Declared,
    NewSchedule,
    ScheduleSnapshot,
    SlotOutcome,
    Source,
)
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.models import Schedule

from .inserting import InsertingStore
from .moving import stored_json
from .schedule_rows import (
    UNREADABLE,
    columns_of,
    has_rule,
    job_of,
    rule_of,
    stored_options,
    terms_of,
)

NOT_DECLARED = "no longer declared"
_REASON_LIMIT = 255


class ScheduleStore(InsertingStore):
    """Every change locks the row first: a scheduler at work on it is waited for."""

    def schedules(self) -> QuerySet[Any]:
        return Schedule.objects.using(self.using).annotate(
            payload_text=Cast("payload", output_field=TextField())
        )

    def save_schedule(self, new: NewSchedule, *, now: datetime | None = None) -> bool:
        with self.writing():
            return self._save(new, now or self.database_now()) != ""

    def declare_schedules(
        self,
        declared: Sequence[NewSchedule],
        *,
        besides: Collection[str] = (),
        now: datetime | None = None,
    ) -> Declared:
        done: dict[str, list[str]] = {"": [], "added": [], "changed": []}
        disabled: list[tuple[str, str]] = []
        # By name, so that workers that start side by side lock in one order.
        for new in sorted(declared, key=lambda one: one.name):
            with self.writing():
                done[self._save(new, now or self.database_now())].append(new.name)
                row = self.schedules().get(name=new.name)
                if row.disabled_reason:
                    disabled.append((row.name, row.disabled_reason))
        disabled += self._disable_undeclared([*(new.name for new in declared), *besides])
        return Declared(
            added=tuple(done["added"]), changed=tuple(done["changed"]), disabled=tuple(disabled)
        )

    def _disable_undeclared(self, names: list[str]) -> list[tuple[str, str]]:
        sources = [source.value for source in Source if source.is_declaration]
        gone = Schedule.objects.using(self.using).filter(
            source__in=sources, disabled_at__isnull=True
        )
        disabled = []
        for name in gone.exclude(name__in=names).order_by("name").values_list("name", flat=True):
            with self.writing():
                if self.disable(gone.filter(name=name), NOT_DECLARED):
                    disabled.append((name, NOT_DECLARED))
        return disabled

    def disable(self, rows: QuerySet[Any], reason: str) -> int:
        return rows.update(
            disabled_at=Now(), disabled_reason=_storable_reason(reason), next_slot=None
        )

    def _save(self, new: NewSchedule, now: datetime) -> str:
        """Write the row; answer "added", "changed", or "" where nothing is different."""
        row = self._locked_or_new(new)
        is_new = row.next_slot is None and row.last_slot is None and row.disabled_at is None
        if Source(row.source).is_declaration and not new.source.is_declaration:
            raise InvalidSchedule(
                f"the schedule {new.name!r} is declared in {row.source}: change it there, or take "
                "another name"
            )
        columns: dict[str, Any] = {
            "source": new.source.value,
            "handler": new.job.handler,
            "template": new.job.template,
            "options": stored_options(new.job),
            **columns_of(new.terms),
        }
        differs = any(getattr(row, name) != value for name, value in columns.items())
        if new.job.payload != row.payload_text:
            columns["payload"] = stored_json(new.job.payload)
        if is_new or row.disabled_at or not has_rule(row, new.terms.rule):
            columns |= self._beginning(new, now)
        before = {name: getattr(row, name) for name in ("payload", "disabled_reason")}
        self._rows(row.name).update(**columns)
        if is_new:
            return "added"
        row.refresh_from_db()
        same = all(getattr(row, name) == value for name, value in before.items())
        return "changed" if differs or not same else ""

    def _locked_or_new(self, new: NewSchedule) -> Any:
        found = self.schedules().filter(name=new.name).select_for_update()
        if (row := found.first()) is None:
            blank = Schedule(
                name=new.name,
                source=new.source.value,
                handler=new.job.handler,
                template=new.job.template,
                **columns_of(new.terms),
            )
            # Another may be saving it at this moment, and is waited for.
            Schedule.objects.using(self.using).bulk_create([blank], ignore_conflicts=True)
            row = found.get()
        return row

    def _beginning(self, new: NewSchedule, now: datetime) -> dict[str, Any]:
        """The columns of a schedule that begins now, or that cannot."""
        try:
            first = new.terms.rule.next_after(now)
        except UnknownTimeZone as error:
            reason = _storable_reason(error)
            return {"next_slot": None, "disabled_at": Now(), "disabled_reason": reason}
        next_slot = first and self.storable_time(first)
        return {"next_slot": next_slot, "disabled_at": None, "disabled_reason": ""}

    # One schedule.

    def _rows(self, name: str) -> QuerySet[Any]:
        return Schedule.objects.using(self.using).filter(name=name)

    def _row(self, name: str, *, lock: bool = False) -> Any:
        rows = self.schedules().filter(name=name)
        row = (rows.select_for_update() if lock else rows).first()
        if row is None:
            raise ScheduleNotFound(name)
        return row

    def find_schedule(self, name: str, *, lock: bool = False) -> ScheduleSnapshot:
        return self._snapshot(self._row(name, lock=lock))

    def list_schedules(self, *, limit: int = COUNT_LIMIT) -> list[ScheduleSnapshot]:
        return [self._snapshot(row) for row in self.schedules().order_by("name")[:limit]]

    def _snapshot(self, row: Any) -> ScheduleSnapshot:
        try:
            terms = terms_of(row)
        except UNREADABLE:
            terms = None
        return ScheduleSnapshot(
            name=row.name,
            source=Source(row.source),
            handler=row.handler,
            template=row.template,
            terms=terms,
            paused_at=self.aware_or_none(row.paused_at),
            pause_reason=row.pause_reason,
            disabled_at=self.aware_or_none(row.disabled_at),
            disabled_reason=row.disabled_reason,
            next_slot=self.aware_or_none(row.next_slot),
            last_slot=self.aware_or_none(row.last_slot),
            payload=row.payload_text,
            options=row.options,
        )

    def slots_of(self, name: str) -> list[SlotOutcome]:
        kept = self._row(name).slots.using(self.using).order_by("-slot")[:SLOTS_KEPT]
        return [
            SlotOutcome(
                schedule=name, slot=self.aware(one.slot), job_id=one.job_id, reason=one.reason
            )
            for one in kept
        ]

    def pause_schedule(self, name: str, *, reason: str = "") -> None:
        with self.writing():
            row = self._row(name, lock=True)
            self._rows(row.name).update(paused_at=Now(), pause_reason=_storable_reason(reason))

    def resume_schedule(self, name: str, *, now: datetime | None = None) -> bool:
        with self.writing():
            row = self._row(name, lock=True)
            if row.paused_at is None and row.disabled_at is None:
                return False
            if row.disabled_reason == NOT_DECLARED:
                raise InvalidSchedule(f"the schedule {name!r} is {NOT_DECLARED}: declare it again")
            changes: dict[str, Any] = {"paused_at": None, "pause_reason": ""}
            if row.disabled_at is not None:
                first = rule_of(row).next_after(now or self.database_now())
                changes |= {
                    "disabled_at": None,
                    "disabled_reason": "",
                    "next_slot": first and self.storable_time(first),
                }
            self._rows(row.name).update(**changes)
            return True

    def delete_schedule(self, name: str) -> None:
        with self.writing():
            row = self._row(name, lock=True)
            if Source(row.source).is_declaration and row.disabled_reason != NOT_DECLARED:
                raise InvalidSchedule(
                    f"the schedule {name!r} is declared in {row.source}: remove it there"
                )
            self._rows(row.name).delete()

    def enqueue_schedule(self, name: str) -> tuple[NewJob, Inserted]:
        with self.writing():
            job = job_of(self._row(name), slot=None)
            return job, self.insert(job)


def _storable_reason(reason: object) -> str:
    return storable_text(reason)[:_REASON_LIMIT]
