"""What a dataclass under @job can do, and its instances."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, Unpack, overload

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import InvalidHandler, InvalidOptions
from django_jobqueue.core.snapshots import JobSnapshot

from .calls import JobCall
from .enqueueing import Enqueuer
from .handlers import Handler
from .options import CallOptions
from .schedule_options import CronOptions, EveryOptions
from .schedules import Schedule

Stored = TypeVar("Stored")
Stored_co = TypeVar("Stored_co", covariant=True)


class _Enqueues(Protocol[Stored_co]):
    """An Enqueuer or a RecurringEnqueuer."""

    @property
    def handler(self) -> Handler: ...
    @property
    def using(self) -> Callable[..., Any]: ...
    def enqueue(self, *args: Any, **kwargs: Any) -> Stored_co: ...
    async def aenqueue(self, *args: Any, **kwargs: Any) -> Stored_co: ...


class InstanceEnqueuer(Generic[Stored]):
    """What an instance of a class under @job can do: it holds its own arguments."""

    def __init__(self, enqueuer: _Enqueues[Stored], instance: object) -> None:
        self._enqueuer = enqueuer
        self._instance = instance

    @overload
    def using(self, **options: Unpack[CallOptions]) -> "InstanceEnqueuer[Stored]": ...
    @overload
    def using(self, **options: Unpack[CronOptions]) -> "InstanceEnqueuer[Schedule]": ...
    @overload
    def using(self, **options: Unpack[EveryOptions]) -> "InstanceEnqueuer[Schedule]": ...

    def using(self, **options: Any) -> Any:
        """As `Enqueuer.using`."""
        return InstanceEnqueuer(self._enqueuer.using(**options), self._instance)

    def enqueue(self) -> Stored:
        """As `Enqueuer.enqueue`, or that of a schedule, with the fields as they are now."""
        args, kwargs = self._enqueuer.handler.spread(self._instance)
        return self._enqueuer.enqueue(*args, **kwargs)

    async def aenqueue(self) -> Stored:
        """As `enqueue`."""
        args, kwargs = self._enqueuer.handler.spread(self._instance)
        return await self._enqueuer.aenqueue(*args, **kwargs)

    def s(self) -> JobCall:
        """As `Enqueuer.s`, with the fields as they are now."""
        enqueuer = self._of_one_job("in a chain a job runs once")
        args, kwargs = enqueuer.handler.spread(self._instance)
        return enqueuer.s(*args, **kwargs)

    def enqueue_and_wait(self, timeout: Seconds | None, /) -> JobSnapshot:
        """As `Enqueuer.enqueue_and_wait`, with the fields as they are now."""
        enqueuer = self._of_one_job("a schedule has no end to wait for")
        args, kwargs = enqueuer.handler.spread(self._instance)
        return enqueuer.enqueue_and_wait(timeout, *args, **kwargs)

    async def aenqueue_and_wait(self, timeout: Seconds | None, /) -> JobSnapshot:
        """As `enqueue_and_wait`."""
        enqueuer = self._of_one_job("a schedule has no end to wait for")
        args, kwargs = enqueuer.handler.spread(self._instance)
        return await enqueuer.aenqueue_and_wait(timeout, *args, **kwargs)

    def _of_one_job(self, why: str) -> Enqueuer[...]:
        enqueuer: object = self._enqueuer
        if not isinstance(enqueuer, Enqueuer):
            raise InvalidOptions("schedule", f"is for what recurs: {why}")
        return enqueuer


class OfClassOrInstance:
    """`Divide.enqueue(a=1, b=2)` and `Divide(1, 2).enqueue()` by one name."""

    def __init__(self, name: str, enqueuer: Enqueuer[...] | None = None) -> None:
        self._name = name
        self._enqueuer = enqueuer

    def __get__(self, instance: object, owner: Any) -> Any:
        if self._enqueuer is None:
            raise AttributeError(f"{owner!r} is no job: put @job on it")
        if owner is not self._enqueuer.handler.declared:
            raise AttributeError(f"{owner!r} is no job: put @job on it, as on the class it extends")
        if instance is None or self._name in _OF_CLASS:
            return getattr(self._enqueuer, self._name)
        return getattr(InstanceEnqueuer(self._enqueuer, instance), self._name)


_OF_CLASS = ("handler", "enqueue_many", "aenqueue_many")
_OF_BOTH = ("using", "enqueue", "aenqueue", "enqueue_and_wait", "aenqueue_and_wait", "s")


def equip(declared: type, handler: Handler) -> None:
    """Give the class what a function under @job has; InvalidHandler if it has such a name."""
    taken = [name for name in (*_OF_CLASS, *_OF_BOTH) if name in handler.arguments.parameters]
    taken += [name for name in (*_OF_CLASS, *_OF_BOTH) if name in vars(declared)]
    if taken:
        raise InvalidHandler(
            handler.name, f"@job adds {taken[0]!r} to the class, which has one already: rename it."
        )
    enqueuer: Enqueuer[...] = Enqueuer(handler)
    for name in (*_OF_CLASS, *_OF_BOTH):
        setattr(declared, name, OfClassOrInstance(name, enqueuer))
