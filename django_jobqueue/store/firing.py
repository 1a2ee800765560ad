"""What schedulers do: each due schedule under the lock of its row, in a transaction of its own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from django_jobqueue.core.errors import UniqueConflict
from django_jobqueue.core.firing import Firing, PlannedSlot, plan
from django_jobqueue.core.schedules import SLOTS_KEPT, Fired, Overlap, SlotOutcome
from django_jobqueue.models import ArchivedJob, DeadJob, Job, Schedule, ScheduleSlot

from .schedule_rows import UNREADABLE, job_of, rule_of, terms_of
from .schedules import ScheduleStore
from .transient import is_data_error

NO_FURTHER_SLOT = "its rule has no further slot"
NEVER = datetime.min.replace(tzinfo=UTC)


class FiringStore(ScheduleStore):
    """A slot is done once: its row is locked, `last_slot` only grows, and slots are unique."""

    def fire_schedules(
        self, *, missed_after: timedelta, limit: int = 100, now: datetime | None = None
    ) -> Fired:
        self._follow_ends(now)
        slots: tuple[SlotOutcome, ...] = ()
        disabled: tuple[tuple[str, str], ...] = ()
        for _ in range(limit):
            clock, seconds = self._look(now)
            if seconds is None or seconds > 0:
                break
            fire = partial(self._fire, clock=clock, missed_after=missed_after)
            fired = self._under_lock(
                self._active().filter(next_slot__lte=self.storable_time(clock)), fire
            )
            if fired is None:  # other schedulers are at work on all that is due
                _, seconds = self._look(now, later_than=clock)
                break
            slots, disabled = slots + fired.slots, disabled + fired.disabled
        else:
            seconds = 0.0  # more may be due
        return Fired(slots=slots, disabled=disabled, next_slot_seconds=seconds)

    def _active(self) -> QuerySet[Any]:
        return self.schedules().filter(disabled_at__isnull=True).order_by("next_slot", "id")

    def _look(
        self, now: datetime | None, *, later_than: datetime | None = None
    ) -> tuple[datetime, float | None]:
        """The time by which slots are due, and the seconds until the first; None if there is
        none.
        """
        rows = self._active().filter(next_slot__isnull=False)
        if later_than is not None:
            rows = rows.filter(next_slot__gt=self.storable_time(later_than))
        found = rows.values_list("next_slot", Now()).first()
        if found is None:
            return now or NEVER, None
        first, clock = self.aware(found[0]), now or self.aware(found[1])
        return clock, (first - clock).total_seconds()

    def _under_lock(self, rows: QuerySet[Any], work: Callable[[Any], Fired]) -> Fired | None:
        """Do `work` on the first row that nobody else is at work on; None if there is none.

        What is wrong with the row itself disables it.
        """
        row = None
        try:
            with self.writing():
                row = rows.select_for_update(skip_locked=True).first()
                return None if row is None else work(row)
        except Exception as error:
            if row is None or not (isinstance(error, UNREADABLE) or is_data_error(error)):
                raise
            reason = str(error) or type(error).__name__
        with self.writing():
            if not self.disable(self._active().filter(pk=row.pk), reason):
                return Fired()
        return Fired(disabled=((row.name, reason),))

    def _fire(self, row: Any, *, clock: datetime, missed_after: timedelta) -> Fired:
        terms = terms_of(row)
        firing = plan(
            terms,
            due=self.aware(row.next_slot),
            now=clock,
            missed_after=missed_after,
            paused=row.pause_reason if row.paused_at else None,
        )
        last = self.aware_or_none(row.last_slot)
        outcomes = [
            self._outcome_of(row, planned, clock, may_overlap=terms.overlap is Overlap.ALLOW)
            for planned in firing.slots
            if last is None or planned.slot > last
        ]
        self._keep(row, outcomes)
        return self._advance(row, firing, outcomes)

    def _outcome_of(
        self, row: Any, planned: PlannedSlot, clock: datetime, *, may_overlap: bool
    ) -> SlotOutcome:
        outcome = partial(SlotOutcome, schedule=row.name, slot=planned.slot)
        if planned.reason:
            return outcome(reason=planned.reason)
        if not may_overlap:
            live = Job.objects.using(self.using).filter(schedule=row.name)
            if (job_id := live.order_by("id").values_list("id", flat=True).first()) is not None:
                return outcome(reason=f"job {job_id} has not ended")
        job = job_of(row, slot=planned.slot)
        try:
            inserted = self.insert(job, now=clock)
        except UniqueConflict as taken:
            return outcome(reason=f"job {taken.job_id} holds the unique key")
        if not (inserted.created or inserted.replaced):
            return outcome(reason=f"job {inserted.id} holds the unique key")
        return outcome(job_id=inserted.id, handler=job.handler, queue=job.queue)

    def _keep(self, row: Any, outcomes: list[SlotOutcome]) -> None:
        """Write down the latest slots, and remove those that are too many."""
        slots = ScheduleSlot.objects.using(self.using)
        slots.bulk_create(
            ScheduleSlot(
                schedule_id=row.pk,
                slot=self.storable_time(one.slot),
                job_id=one.job_id,
                reason=one.reason,
            )
            for one in outcomes[-SLOTS_KEPT:]
        )
        kept = slots.filter(schedule=row.pk).order_by("-slot")
        if surplus := list(kept.values_list("pk", flat=True)[SLOTS_KEPT:]):
            slots.filter(pk__in=surplus).delete()

    def _advance(self, row: Any, firing: Firing, outcomes: list[SlotOutcome]) -> Fired:
        changes: dict[str, Any] = {"next_slot": firing.next_slot}
        if outcomes:
            changes["last_slot"] = self.storable_time(outcomes[-1].slot)
        ids = [one.job_id for one in outcomes if one.job_id is not None]
        if ids:
            changes["last_job_id"] = ids[-1]
            if row.after == "finish":
                changes["next_slot"] = None
        if changes["next_slot"] is not None:
            changes["next_slot"] = self.storable_time(changes["next_slot"])
        rows = self._active().filter(pk=row.pk)
        rows.update(**changes)
        if firing.next_slot is not None:
            return Fired(slots=tuple(outcomes))
        self.disable(rows, NO_FURTHER_SLOT)
        return Fired(slots=tuple(outcomes), disabled=((row.name, NO_FURTHER_SLOT),))

    # Spans that begin at the end of an occurrence.

    def _follow_ends(self, now: datetime | None) -> None:
        """Give a next slot to what waited for a job that is live no more."""
        occurrence = Job.objects.using(self.using).filter(pk=OuterRef("last_job_id"))
        waiting = (
            self._active()
            .filter(after="finish", next_slot__isnull=True, last_job_id__isnull=False)
            .exclude(Exists(occurrence))
        )
        for key in list(waiting.values_list("pk", flat=True)):
            self._under_lock(waiting.filter(pk=key), partial(self._follow_end, now=now))

    def _follow_end(self, row: Any, *, now: datetime | None) -> Fired:
        ends = [
            final._default_manager.using(self.using)
            .filter(pk=row.last_job_id)
            .values_list("finished_at", flat=True)
            .first()
            for final in (ArchivedJob, DeadJob)
        ]
        known = [self.aware(end) for end in ends if end is not None]
        # The record of a job that was not kept says nothing: it has ended by now.
        ended = max(known) if known else now or self.database_now()
        following = rule_of(row).next_after(ended)
        next_slot = None if following is None else self.storable_time(following)
        Schedule.objects.using(self.using).filter(pk=row.pk).update(next_slot=next_slot)
        return Fired()
