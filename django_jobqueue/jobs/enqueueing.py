"""From a call to a stored job: arguments → payload → NewJob → store → wake-up after the commit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, ParamSpec, Unpack, overload
from uuid import UUID

from asgiref.sync import sync_to_async

from django_jobqueue import conf
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import (
    InvalidArguments,
    InvalidOptions,
    JobNotStored,
    PayloadError,
)
from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.events import events
from django_jobqueue.store import store_for

from .announcing import announce
from .calls import JobCall
from .drafts import Draft
from .handlers import Handler, HandlerLike, handler_of
from .handles import JobHandle
from .marking import marked
from .one_writer import why_it_holds_too_long
from .options import CallOptions, ChainOptions, JobOptions, refuse_result_as
from .registry import registry
from .schedule_options import CronOptions, EveryOptions, split, terms_of
from .schedules import RecurringEnqueuer
from .spooling import insert_or_spool
from .waiting import refuse_wait
from .waking import insert_and_wake

P = ParamSpec("P")
#: One call of a bulk enqueue: keyword arguments, positional ones, or an instance of the class.
Call = Mapping[str, object] | Sequence[object] | object


class Enqueuer(Generic[P]):
    """Enqueues jobs of one handler, with the options that were said so far."""

    def __init__(
        self, handler: Handler, *, said: JobOptions | None = None, template: str | None = None
    ) -> None:
        self.said: JobOptions = said or JobOptions()
        self._template = template
        self._draft = Draft(handler, self.said, template=template)

    @property
    def handler(self) -> Handler:
        return self._draft.handler

    @overload
    def using(self, **options: Unpack[CallOptions]) -> "Enqueuer[P]": ...
    @overload
    def using(self, **options: Unpack[ChainOptions]) -> "Enqueuer[...]": ...
    @overload
    def using(self, **options: Unpack[CronOptions]) -> RecurringEnqueuer[P]: ...
    @overload
    def using(self, **options: Unpack[EveryOptions]) -> RecurringEnqueuer[P]: ...

    def using(self, **options: Any) -> Any:
        """Return the same with other options: `send.using(delay=60).enqueue(user_id=1)`.

        Tags are added and meta is merged; every other option takes the place of what was said
        before. With `cron` or `every`, what is enqueued is a schedule:
        `send.using(cron="0 7 * * 1").enqueue(user_id=1)`. InvalidOptions for an option that is
        unknown or wrong, InvalidSchedule for a rule that cannot be.
        """
        about, call = split(options)
        said = JobOptions.of_call(call).over(self.said)
        if not about:
            return Enqueuer(self.handler, said=said, template=self._template)
        name = about.pop("schedule", None)
        if (terms := terms_of(about)) is None:
            raise InvalidOptions("schedule", "names a schedule: give 'cron' or 'every' with it")
        return RecurringEnqueuer(self.handler, said=said, terms=terms, name=name)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle:
        """Store a job in the caller's transaction, and return its handle.

        Raises before any SQL: InvalidArguments for a call that the handler would refuse,
        PayloadError for arguments that cannot be stored, InvalidOptions for a transactional handler
        that this database needs a timeout of. UniqueConflict only with `on_conflict="raise"`.
        Where JOBQUEUE["SPOOL"] is set and the database cannot be reached, the handle is `spooled`,
        unless a transaction is open.
        """
        settings = conf.current()
        refuse_result_as(self.said)
        self._check_timeout(settings)
        new = self._draft.with_arguments(args, kwargs, settings=settings)
        [handle] = _stored([new], settings=settings)
        return handle

    def enqueue_and_wait(
        self, timeout: Seconds | None, /, *args: P.args, **kwargs: P.kwargs
    ) -> JobSnapshot:
        """Store a job of these arguments, and return its record as `JobHandle.wait(timeout)` does.

        Inside a transaction it raises TransactionManagementError and stores nothing. After a
        TimeoutError, which names it, the job goes on. JobNotStored where it went into the spool.
        """
        refuse_wait(timeout)
        return _to_wait_for(self.enqueue(*args, **kwargs)).wait(timeout)

    def enqueue_many(self, calls: Iterable[Call]) -> list[JobHandle]:
        """Store many jobs in one go; the handles come in the order of `calls`.

        Each call is a dictionary of keyword arguments, a list or tuple of positional ones, or an
        instance of the declared class. All are checked before any SQL, and the error names the
        index of the first that is wrong. A job whose unique key is taken is left out, unless
        `on_conflict="raise"`: then nothing is stored.
        """
        settings = conf.current()
        refuse_result_as(self.said)
        self._check_timeout(settings)
        # All of them first: what an iterator raises is no fault of a call.
        jobs = self._drafted(list(calls), settings)
        return _stored(jobs, settings=settings) if jobs else []

    def s(self, *args: P.args, **kwargs: P.kwargs) -> JobCall:
        """Return this call, checked as `enqueue` does, for a chain.

        With `using(result_as="name")` the argument of that name is left out: it takes the result of
        the job before.
        """
        settings = conf.current()
        self._check_timeout(settings)
        return JobCall(self._draft.with_arguments(args, kwargs, settings=settings))

    def _check_timeout(self, settings: JobQueueSettings) -> None:
        if self.handler.transactional:
            timeout, store = self._draft.timeout, store_for(settings.database)
            if why := why_it_holds_too_long(timeout, store=store, lease=settings.lease):
                raise InvalidOptions("timeout", why)

    def _drafted(self, calls: Sequence[Call], settings: JobQueueSettings) -> list[NewJob]:
        spread, with_arguments = self.handler.spread, self._draft.with_arguments
        jobs: list[NewJob] = []
        try:
            for call in calls:
                args, kwargs = spread(call)
                jobs.append(with_arguments(args, kwargs, settings=settings))
        except PayloadError as error:
            raise error.at_index(len(jobs)) from None
        except InvalidArguments as error:
            told = f"job {len(jobs)} of the call: {error.why}"
            raise InvalidArguments(error.handler, told) from None
        return jobs

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle:
        """As `enqueue`."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)(*args, **kwargs)

    async def aenqueue_and_wait(
        self, timeout: Seconds | None, /, *args: P.args, **kwargs: P.kwargs
    ) -> JobSnapshot:
        """As `enqueue_and_wait`."""
        await sync_to_async(refuse_wait, thread_sensitive=True)(timeout)
        return await _to_wait_for(await self.aenqueue(*args, **kwargs)).finished(timeout)

    async def aenqueue_many(self, calls: Iterable[Call]) -> list[JobHandle]:
        """As `enqueue_many`."""
        return await sync_to_async(self.enqueue_many, thread_sensitive=True)(calls)


def enqueuer_of(handler: HandlerLike) -> Enqueuer[...]:
    """Return what enqueues a handler, given by name or as what @job returned.

    HandlerNotRegistered for a name that no imported module declares.
    """
    if isinstance(handler, Enqueuer):
        return handler
    found = registry.get(handler) if isinstance(handler, str) else handler_of(handler)
    return Enqueuer(found)


def _to_wait_for(handle: JobHandle) -> JobHandle:
    if handle.receipt is not None:
        why = "it went into the spool of this host, whose flush nobody waits for"
        raise JobNotStored(handle.receipt, why)
    return handle


def _stored(jobs: Sequence[NewJob], *, settings: JobQueueSettings) -> list[JobHandle]:
    store, is_woken = store_for(settings.database), False
    with events.span("jobs.enqueue", jobs=jobs) as facts:
        jobs = marked(jobs, facts)
        batch_id = jobs[0].batch_id
        if batch_id is not None:
            # Never spooled: by the time of the flush the batch may have finished.
            groups = store.insert_members(batch_id, [[new] for new in jobs])
            answers: list[Inserted] | UUID = [one for group in groups for one in group]
        elif (inserted := insert_and_wake(jobs, store=store, settings=settings)) is not None:
            answers, is_woken = [inserted], True
        else:
            answers = insert_or_spool(jobs, store=store, settings=settings)
        facts["answers"] = answers
    if isinstance(answers, UUID):
        return [JobHandle.of_spooled(answers, position=at) for at in range(len(jobs))]
    waking = 0 if is_woken else None
    announce(jobs, answers, store=store, settings=settings, waking=waking)
    return [JobHandle(inserted.id, created=inserted.created) for inserted in answers]
