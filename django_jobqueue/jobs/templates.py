"""The handle to one template: a stored job to copy from."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ParamSpec, Unpack, overload

import msgspec

from django_jobqueue.core.audit import Action
from django_jobqueue.core.backoff import backoff_from_json
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.schedule_errors import TemplateNotFound
from django_jobqueue.core.schedules import Source, StoredTemplate
from django_jobqueue.core.specs import NewJob
from django_jobqueue.events import events
from django_jobqueue.store import JobStore

from .auditing import audit, somebody_acts
from .enqueueing import Enqueuer, enqueuer_of
from .handlers import Handler, HandlerLike
from .handles import JobHandle
from .options import CallOptions, JobOptions, stored_backoff
from .registry import registry
from .schedule_options import RecurringOptions, schedule_name, split, terms_of
from .schedules import Schedule, job_to_repeat, refuse_moments, save
from .site import site_store

P = ParamSpec("P")


class Template:
    """A stored job by its name: a handler, arguments and options. TemplateNotFound where there is
    none of that name.
    """

    __slots__ = ("_said", "name")

    def __init__(self, name: str, *, said: JobOptions | None = None) -> None:
        self.name: str = schedule_name("template", name)
        self._said = said or JobOptions()

    def __repr__(self) -> str:
        return f"Template({self.name!r})"

    @property
    def snapshot(self) -> StoredTemplate:
        """The template as it is now."""
        return site_store().find_template(self.name)

    @overload
    def save(self, handler: Enqueuer[P], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
    @overload  # a class
    def save(self, handler: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None: ...
    @overload
    def save(self, handler: str | Handler, /, *args: object, **kwargs: object) -> None: ...

    def save(self, handler: HandlerLike, /, *args: Any, **kwargs: Any) -> None:
        """Store a job to copy from, or change it: `Template("report").save(send, user_id=1)`.

        `handler` is what @job returned, a registered name, or either `using` options. Schedules
        that name the template enqueue the new one from now on.
        """
        enqueuer = enqueuer_of(handler)
        said = enqueuer.said
        job = job_to_repeat(enqueuer.handler, said, args, kwargs, template=self.name)
        template = StoredTemplate(
            name=self.name, handler=job.handler, payload=job.payload, options=stored(said)
        )
        store = site_store()
        with store.writing():
            before = _facts_now(store, self.name)
            store.save_template(template, job=job)
            after = _facts_now(store, self.name)
            audit(store, Action.SAVE_TEMPLATE, subject=self.name, before=before, after=after)
        events.emit("template.saved", template=self.name, handler=job.handler)

    def using(self, **options: Unpack[CallOptions]) -> "Template":
        """Return the same with other options for its jobs; what is stored stays as it is."""
        return Template(self.name, said=JobOptions.of_call(options).over(self._said))

    def enqueue(self, **overrides: object) -> JobHandle:
        """Enqueue a copy; keyword arguments take the place of stored ones.

        HandlerNotRegistered and InvalidArguments where the template no longer fits its handler.
        """
        handler, said, args, kwargs = self._stored()
        enqueuer: Enqueuer[...] = Enqueuer(handler, said=said, template=self.name)
        enqueue = partial(enqueuer.enqueue, *args, **{**kwargs, **overrides})
        if not somebody_acts():
            return enqueue()
        store = site_store()
        with store.writing():
            handle = enqueue()
            if handle.created and handle.id is not None:
                about: dict[str, Any] = {"subject": self.name, "job_ids": (handle.id,)}
                audit(store, Action.ENQUEUE_TEMPLATE, **about)
        return handle

    def repeat(self, **options: Unpack[RecurringOptions]) -> Schedule:
        """Make a schedule of it: `Template("report").repeat(cron="0 7 * * 1")`. What is saved in
        the template later is what its slots enqueue. Its name is the template's unless `schedule`
        gives another.
        """
        about, call = split(options)
        if call:
            raise InvalidOptions(next(iter(call)), "is the template's to say: save it there")
        name = about.pop("schedule", self.name)
        if (terms := terms_of(about)) is None:
            raise InvalidOptions("cron", "or 'every' must be given: a schedule needs a rule")
        return save(name, source=Source.CALL, terms=terms, job=self.job())

    def job(self) -> NewJob:
        """Return the job that a slot of this template enqueues."""
        handler, said, args, kwargs = self._stored()
        return job_to_repeat(handler, said, args, kwargs, template=self.name)

    def delete(self) -> None:
        """Remove it; InvalidSchedule while a schedule names it."""
        store = site_store()
        with store.writing():
            before = _facts_now(store, self.name)
            store.delete_template(self.name)
            audit(store, Action.DELETE_TEMPLATE, subject=self.name, before=before)
        events.emit("template.deleted", template=self.name)

    def _stored(self) -> tuple[Handler, JobOptions, list[Any], dict[str, Any]]:
        found = self.snapshot
        handler = registry.get(found.handler)
        args, kwargs = handler.arguments_of(found.payload)
        return handler, self._said.over(read(found.options)), args, kwargs


def _facts_now(store: JobStore, name: str) -> Mapping[str, object] | None:
    """What the audit record tells of a template."""
    try:
        found = store.find_template(name, lock=True)
    except TemplateNotFound:
        return None
    payload = msgspec.json.decode(found.payload)
    return {"handler": found.handler, "payload": payload, "options": found.options}


def enqueue_template(name: str, /, **overrides: object) -> JobHandle:
    """Enqueue a copy of a template: `enqueue_template("report", user_id=2)`. As
    `Template.enqueue`.
    """
    return Template(name).enqueue(**overrides)


def stored(said: JobOptions) -> dict[str, object]:
    """Return options as JSON; `read` brings them back."""
    refuse_moments(said)
    told = {
        name: value
        for name in JobOptions.__dataclass_fields__
        if (value := getattr(said, name)) is not None
    }
    if said.backoff is not None:
        stored_backoff(said.backoff)
        told["backoff"] = said.backoff.to_json()
    if said.unique_for is not None:
        told["unique_for"] = said.unique_for.total_seconds()
    options: dict[str, object] = msgspec.to_builtins(told)
    return options


def read(options: Mapping[str, Any]) -> JobOptions:
    """Return what `stored` stored; InvalidOptions where it is not that any more."""
    given = dict(options)
    if "backoff" in given:
        try:
            given["backoff"] = backoff_from_json(given["backoff"])
        except ValueError as error:
            raise InvalidOptions("backoff", f"cannot be read: {error}") from None
    return JobOptions.of_call(given)
