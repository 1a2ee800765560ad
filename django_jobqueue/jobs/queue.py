"""The handle to a named queue."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec, Unpack, overload

from asgiref.sync import sync_to_async

from django_jobqueue import conf
from django_jobqueue.core.audit import Action
from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.health import QueueStats
from django_jobqueue.core.specs import Cancelled, Purged
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.events import events
from django_jobqueue.store import JobStore

from . import control
from . import option_values as values
from .auditing import audit
from .draining import drained, wait_until_drained
from .enqueueing import Enqueuer
from .handlers import handler_of
from .handles import JobHandle
from .options import CallOptions, ChainOptions
from .queue_settings import QueueOptions, columns_of
from .registry import name_of_queue_handler, registry
from .removing import purge
from .schedule_options import CronOptions, EveryOptions
from .schedules import RecurringEnqueuer
from .site import site_store
from .wakeups import wakeups

P = ParamSpec("P")


class Queue:
    """A stream of jobs, by its name; a queue exists as soon as somebody names it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: str = values.queue_name("queue", name)

    def __repr__(self) -> str:
        return f"Queue({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Queue) and self.name == other.name

    def __hash__(self) -> int:
        return hash((Queue, self.name))

    @overload
    def enqueue(self, job: Enqueuer[P], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle: ...
    @overload  # a class
    def enqueue(
        self, job: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs
    ) -> JobHandle: ...
    @overload  # a payload
    def enqueue(self, job: object, /) -> JobHandle: ...

    def enqueue(self, job: Any, /, *args: Any, **kwargs: Any) -> JobHandle:
        """Enqueue a job into this queue, whatever queue its handler names.

        `job` is what @job returned, followed by its arguments; or any payload, alone, for the
        QueueHandler of this queue (HandlerNotRegistered if it has none). A text is a payload and
        never the name of a handler: it may come from somebody who must not choose what runs.
        """
        if not (args or kwargs or callable(job) or hasattr(job, "handler")):
            return self.using().enqueue(job)
        enqueuer = job if isinstance(job, Enqueuer) else Enqueuer(handler_of(job))
        return enqueuer.using(queue=self.name).enqueue(*args, **kwargs)

    @overload
    async def aenqueue(
        self, job: Enqueuer[P], /, *args: P.args, **kwargs: P.kwargs
    ) -> JobHandle: ...
    @overload
    async def aenqueue(
        self, job: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs
    ) -> JobHandle: ...
    @overload
    async def aenqueue(self, job: object, /) -> JobHandle: ...

    async def aenqueue(self, job: Any, /, *args: Any, **kwargs: Any) -> JobHandle:
        """As `enqueue`."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)(job, *args, **kwargs)

    @overload
    def using(self, **options: Unpack[CallOptions]) -> Enqueuer[...]: ...
    @overload
    def using(self, **options: Unpack[ChainOptions]) -> Enqueuer[...]: ...
    @overload
    def using(self, **options: Unpack[CronOptions]) -> RecurringEnqueuer[...]: ...
    @overload
    def using(self, **options: Unpack[EveryOptions]) -> RecurringEnqueuer[...]: ...

    def using(self, **options: Any) -> Any:
        """Return what enqueues payloads for the QueueHandler of this queue, with options."""
        options["queue"] = self.name
        return Enqueuer(registry.get(name_of_queue_handler(self.name))).using(**options)

    def pause(self, reason: str = "", *, until: datetime | None = None) -> None:
        """Let no further job of this queue start, until `resume()` or until a time.

        Running jobs go on. It holds for every worker within one claim.
        """
        ends = None if until is None else values.moment("until", until)
        store = site_store()
        with store.writing():
            before = store.pause_queue(self.name, reason=reason, until=ends)
            after = {"pause_reason": reason, "paused_until": ends}
            self._audit(store, Action.PAUSE_QUEUE, before=before, after=after, reason=reason)
        events.emit("queue.paused", queue=self.name, reason=reason, until=ends)

    def resume(self) -> bool:
        """Let jobs start again; False if the queue was not paused."""
        store = site_store()
        with store.writing():
            paused = store.resume_queue(self.name)
            if paused is not None:
                self._audit(store, Action.RESUME_QUEUE, before=paused, after={})
        if paused is not None:
            events.emit("queue.resumed", queue=self.name)
            debounce = conf.current().notify_debounce.total_seconds()
            wakeups.send_after_commit([self.name], store=store, debounce=debounce)
        return paused is not None

    def configure(self, **settings: Unpack[QueueOptions]) -> None:
        """Set what holds for this queue, whatever is said elsewhere; None brings a default back.

        `concurrency` bounds what one worker process runs of it, `max_running` what all of them do,
        `rate` ("100/m", with `rate_burst` at once) how often a job starts. Workers keep to it
        within one poll interval.
        """
        store = site_store()
        after = columns_of(settings)
        with store.writing():
            before = store.configure_queue(self.name, after)
            self._audit(store, Action.CONFIGURE_QUEUE, before=before, after=after)
        events.emit("queue.configured", queue=self.name, settings=dict(settings))
        debounce = conf.current().notify_debounce.total_seconds()
        wakeups.send_after_commit([self.name], store=store, debounce=debounce)

    def stats(self) -> QueueStats:
        """Return the numbers of this queue as they are now."""
        return site_store().queue_stats(self.name)

    def cancel(
        self, *ids: int, reason: str = "", **criteria: Unpack[control.Criteria]
    ) -> Cancelled:
        """Cancel jobs of this queue, all of them unless ids or criteria say which."""
        return control.cancel(*ids, reason=reason, **self._own(criteria))

    def requeue_dead(
        self,
        *ids: int,
        death: DeathReason | None = None,
        limit: int | None = None,
        rate: str | None = None,
        **criteria: Unpack[control.Criteria],
    ) -> control.Requeued:
        """Bring dead letters of this queue back to life, all unless ids or criteria say which.

        As `requeue`, one after another at a `rate` if one is given.
        """
        own = self._own(criteria)
        return control.requeue(
            *ids, state=JobState.DEAD, death=death, limit=limit, rate=rate, **own
        )

    def purge(
        self,
        *,
        state: JobState | None = None,
        older_than: Seconds | None = None,
        limit: int | None = None,
        reason: str = "",
        dry_run: bool = False,
        **criteria: Unpack[control.Criteria],
    ) -> Purged:
        """Remove the history of this queue and cancel what waits in it, all of it unless criteria
        say what. As `purge`.
        """
        return purge(
            state=state,
            older_than=older_than,
            limit=limit,
            reason=reason,
            dry_run=dry_run,
            **self._own(criteria),
        )

    def drain(self, timeout: Seconds | None = None) -> None:
        """Return once no job of this queue runs and none is due; while it is paused, once none
        runs.

        TimeoutError after `timeout` seconds, 0 for a single look; None waits for ever. Where it
        would have to wait inside a transaction it raises TransactionManagementError.
        """
        wait_until_drained(self.name, timeout=timeout)

    async def adrain(self, timeout: Seconds | None = None) -> None:
        """As `drain`."""
        await drained(self.name, timeout=timeout)

    def _audit(self, store: JobStore, action: Action, **facts: Any) -> None:
        audit(store, action, subject=self.name, queue=self.name, **facts)

    def _own(self, criteria: control.Criteria) -> control.Criteria:
        if "queue" in criteria:
            raise InvalidOptions("queue", f"is {self.name!r} already")
        return {**criteria, "queue": self.name}
