"""What schedulers, declarations and people ask of schedules and templates: a third of the contract
of a store.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.schedules import (
    Declared,
    Fired,
    NewSchedule,
    ScheduleSnapshot,
    SlotOutcome,
    StoredTemplate,
)
from django_jobqueue.core.specs import Inserted, NewJob


class Schedulable(ABC):
    """A schedule and a template go by their names. What has no such name raises ScheduleNotFound or
    TemplateNotFound.
    """

    @abstractmethod
    def fire_schedules(
        self, *, missed_after: timedelta, limit: int = 100, now: datetime | None = None
    ) -> Fired:
        """Do what is due in up to `limit` schedules, each in a transaction of its own: the job and
        the record of its slot are written together, or not at all.

        A slot later than `missed_after` was missed. A schedule that another scheduler is at work on
        is passed over; one that cannot be read is disabled, and the others go on.
        """

    @abstractmethod
    def save_schedule(self, new: NewSchedule, *, now: datetime | None = None) -> bool:
        """Store a schedule, or change the one of that name; False where nothing is different.

        Its next slot is counted anew if its rule has changed. A pause stays. InvalidSchedule for
        the name of a declared one that is not declared now.
        """

    @abstractmethod
    def declare_schedules(
        self,
        declared: Sequence[NewSchedule],
        *,
        besides: Collection[str] = (),
        now: datetime | None = None,
    ) -> Declared:
        """Bring the rows of declared schedules in step; those declared no more are disabled, except
        the names in `besides`.
        """

    @abstractmethod
    def find_schedule(self, name: str, *, lock: bool = False) -> ScheduleSnapshot:
        """Return the schedule as it is now; with `lock`, as it is to the end of the transaction."""

    @abstractmethod
    def list_schedules(self, *, limit: int = COUNT_LIMIT) -> list[ScheduleSnapshot]:
        """Return the schedules as they are now, by their names."""

    @abstractmethod
    def slots_of(self, name: str) -> list[SlotOutcome]:
        """Return the kept slots of a schedule, the latest first."""

    @abstractmethod
    def pause_schedule(self, name: str, *, reason: str = "") -> None:
        """Let slots pass without a job, telling the reason in each."""

    @abstractmethod
    def resume_schedule(self, name: str, *, now: datetime | None = None) -> bool:
        """End a pause, and enable what was disabled; False if it was neither.

        InvalidSchedule where the rule still cannot be followed.
        """

    @abstractmethod
    def delete_schedule(self, name: str) -> None:
        """Remove a schedule and its slots; its jobs stay. InvalidSchedule for a declared one."""

    @abstractmethod
    def enqueue_schedule(self, name: str) -> tuple[NewJob, Inserted]:
        """Enqueue the job of a schedule at once, whatever its slots and its pause."""

    @abstractmethod
    def save_template(self, template: StoredTemplate, *, job: NewJob) -> None:
        """Store a template, or change the one of that name; schedules that name it enqueue `job`
        from now on.
        """

    @abstractmethod
    def find_template(self, name: str, *, lock: bool = False) -> StoredTemplate:
        """Return the template as it is now; with `lock`, as it is to the end of the transaction."""

    @abstractmethod
    def list_templates(self, *, limit: int = COUNT_LIMIT) -> list[StoredTemplate]:
        """Return the templates as they are now, by their names."""

    @abstractmethod
    def delete_template(self, name: str) -> None:
        """Remove a template; InvalidSchedule while a schedule names it."""
