"""The handle to one schedule, and what makes one at run time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, ParamSpec, Unpack

import msgspec
from asgiref.sync import sync_to_async

from django_jobqueue import conf
from django_jobqueue.core.audit import Action
from django_jobqueue.core.cron import PREVIEW, Every, zone_of
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.schedule_errors import ScheduleNotFound
from django_jobqueue.core.schedules import (
    NewSchedule,
    ScheduleSnapshot,
    ScheduleTerms,
    SlotOutcome,
    Source,
)
from django_jobqueue.core.specs import NewJob
from django_jobqueue.events import events
from django_jobqueue.store import JobStore

from .auditing import audit
from .drafts import Draft
from .handlers import Handler
from .handles import JobHandle
from .options import JobOptions, refuse_result_as
from .schedule_options import RecurringOptions, schedule_name, split, terms_of
from .site import site_store
from .wakeups import wakeups

Facts = Mapping[str, object]
P = ParamSpec("P")
_HANDLER_IN_NAME, _FINGERPRINT_IN_NAME = 100, 12


class Schedule:
    """A recurring rule, by its name. ScheduleNotFound where there is none of that name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = schedule_name("schedule", name)

    def __repr__(self) -> str:
        return f"Schedule({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self.name == other.name

    def __hash__(self) -> int:
        return hash((Schedule, self.name))

    @property
    def snapshot(self) -> ScheduleSnapshot:
        """The schedule as it is now."""
        return site_store().find_schedule(self.name)

    def preview(self, *, count: int = PREVIEW) -> list[datetime]:
        """Return the next slots as things stand; none where it is disabled or cannot be read.

        Where spans begin at the end of an occurrence, only the next is known.
        """
        return upcoming(self.snapshot, count=count)

    def slots(self) -> list[SlotOutcome]:
        """Return the last ten slots, the latest first: the job of each, or why it has none."""
        return site_store().slots_of(self.name)

    def pause(self, reason: str = "") -> None:
        """Let slots pass without a job until `resume()`; the reason is told in each."""
        store = site_store()
        with store.writing():
            before = store.find_schedule(self.name, lock=True)
            store.pause_schedule(self.name, reason=reason)
            audit(
                store,
                Action.PAUSE_SCHEDULE,
                subject=self.name,
                before=_pause_of(before),
                after={"pause_reason": reason},
                reason=reason,
            )
        events.emit("schedule.paused", schedule=self.name, reason=reason)

    def resume(self) -> bool:
        """Go on with the next slot, after a pause or where it was disabled; False if it was
        neither. InvalidSchedule if it still cannot be followed.
        """
        store = site_store()
        with store.writing():
            before = store.find_schedule(self.name, lock=True)
            resumed = store.resume_schedule(self.name)
            if resumed:
                audit(
                    store,
                    Action.RESUME_SCHEDULE,
                    subject=self.name,
                    before=_pause_of(before),
                    after={},
                )
        if resumed:
            events.emit("schedule.resumed", schedule=self.name)
        return resumed

    def delete(self) -> None:
        """Remove it and the record of its slots; jobs stay. InvalidSchedule if it is declared."""
        store = site_store()
        with store.writing():
            before = store.find_schedule(self.name, lock=True)
            store.delete_schedule(self.name)
            audit(store, Action.DELETE_SCHEDULE, subject=self.name, before=_terms_of(before))
        events.emit("schedule.deleted", schedule=self.name)

    def enqueue(self) -> JobHandle:
        """Enqueue its job at once, whatever its slots, its pause and its overlap say."""
        store = site_store()
        with store.writing():
            job, inserted = store.enqueue_schedule(self.name)
            if inserted.created:
                about: dict[str, Any] = {"queue": job.queue, "job_ids": (inserted.id,)}
                audit(store, Action.ENQUEUE_SCHEDULE, subject=self.name, **about)
        events.emit(
            "job.enqueued" if inserted.created else "job.deduplicated",
            job_id=inserted.id,
            handler=job.handler,
            queue=job.queue,
        )
        debounce = conf.current().notify_debounce.total_seconds()
        wakeups.send_after_commit([job.queue], store=store, debounce=debounce)
        return JobHandle(inserted.id, created=inserted.created)


def upcoming(schedule: ScheduleSnapshot, *, count: int = PREVIEW) -> list[datetime]:
    """Return the next slots of a snapshot; UnknownTimeZone where its zone is gone."""
    if schedule.next_slot is None or schedule.terms is None:
        return []
    rule, first = schedule.terms.rule, schedule.next_slot
    if isinstance(rule, Every) and rule.after == "finish":
        return [first]
    return [first, *rule.preview(first, count=count - 1, anchor=first)]


def save(
    name: str,
    *,
    source: Source,
    terms: ScheduleTerms,
    job: NewJob,
) -> Schedule:
    """Store a schedule, or change the one of that name; UnknownTimeZone if its zone is none."""
    if not isinstance(terms.rule, Every):
        zone_of(terms.rule.timezone)
    schedule = Schedule(name)
    new = NewSchedule(name=name, source=source, terms=terms, job=job)
    store = site_store()
    with store.writing():
        before = _terms_now(store, name)
        changed = store.save_schedule(new)
        if changed:
            after = _terms_now(store, name)
            audit(store, Action.SAVE_SCHEDULE, subject=name, before=before, after=after)
    if changed:
        events.emit("schedule.saved", schedule=name, source=source.value)
    return schedule


def _terms_now(store: JobStore, name: str) -> Facts | None:
    try:
        return _terms_of(store.find_schedule(name, lock=True))
    except ScheduleNotFound:
        return None


def _terms_of(found: ScheduleSnapshot) -> Facts:
    """What the audit record tells of a schedule."""
    facts = {name: getattr(found, name) for name in ("source", "handler", "template", "terms")}
    return {**facts, "payload": msgspec.json.decode(found.payload), "options": found.options}


def _pause_of(found: ScheduleSnapshot) -> Facts:
    names = ("paused_at", "pause_reason", "disabled_at", "disabled_reason")
    return {name: held for name in names if (held := getattr(found, name))}


def job_to_repeat(
    handler: Handler,
    said: JobOptions,
    args: Sequence[object] = (),
    kwargs: Mapping[str, object] | None = None,
    *,
    template: str | None = None,
) -> NewJob:
    """Return the job of every slot; InvalidOptions for options that name a single moment."""
    refuse_moments(said)
    draft = Draft(handler, said, template=template)
    return draft.with_arguments(args, kwargs or {}, settings=conf.current())


def refuse_moments(said: JobOptions) -> None:
    for option in ("run_at", "expires_at"):
        if getattr(said, option) is not None:
            raise InvalidOptions(option, "names one moment, which does not recur: use delay")
    if said.batch is not None:
        raise InvalidOptions("batch", "finishes once, and what recurs would be added for ever")
    refuse_result_as(said)


class RecurringEnqueuer(Generic[P]):
    """What `using` returns where it was told of `cron` or `every`: each call makes a schedule."""

    def __init__(
        self, handler: Handler, *, said: JobOptions, terms: ScheduleTerms, name: str | None
    ) -> None:
        refuse_moments(said)
        handler.options_with(said)
        self.handler = handler
        self._said, self._terms = said, terms
        self._name = None if name is None else schedule_name("schedule", name)

    def using(self, **options: Unpack[RecurringOptions]) -> "RecurringEnqueuer[P]":
        """As `Enqueuer.using`; a rule that is said here takes the place of the one before."""
        about, call = split(options)
        name = about.pop("schedule", self._name)
        said = JobOptions.of_call(call).over(self._said)
        terms = terms_of(about) or self._terms
        return RecurringEnqueuer(self.handler, said=said, terms=terms, name=name)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Schedule:
        """Store a schedule of such jobs in the caller's transaction, and return its handle.

        Without a name of its own it goes by the handler and the arguments: the same call again
        changes its rule and adds no second one.
        """
        job = job_to_repeat(self.handler, self._said, args, kwargs)
        name = self._name or (
            f"{job.handler[:_HANDLER_IN_NAME]} {job.fingerprint[:_FINGERPRINT_IN_NAME]}"
        )
        return save(name, source=Source.CALL, terms=self._terms, job=job)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> Schedule:
        """As `enqueue`."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)(*args, **kwargs)
