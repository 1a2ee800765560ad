"""@job, on functions and on dataclasses with a `run()`."""

from collections.abc import Callable
from functools import update_wrapper
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    Unpack,
    overload,
)

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.errors import InvalidHandler, InvalidOptions
from django_jobqueue.core.snapshots import JobSnapshot

from .calls import JobCall
from .context import JobContext
from .enqueueing import Enqueuer
from .handlers import Handler, HandlerOptions
from .registry import Registry
from .registry import registry as registry_of_process
from .schedule_options import RecurringOptions
from .schedules import RecurringEnqueuer

P = ParamSpec("P")
Whole = ParamSpec("Whole")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class JobFunction(Enqueuer[P], Generic[Whole, P, R_co]):
    """A function under @job: called, it runs here and now; its methods enqueue it."""

    def __init__(self, handler: Handler, function: Callable[Whole, R_co]) -> None:
        super().__init__(handler)
        self._function = function
        update_wrapper(self, function)

    def __call__(self, *args: Whole.args, **kwargs: Whole.kwargs) -> R_co:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<job {self.handler.name!r}>"


class InstanceEnqueuer:
    """What an instance of a class under @job can do: it holds its own arguments."""

    def __init__(self, enqueuer: Enqueuer[...] | RecurringEnqueuer[...], instance: object) -> None:
        self._enqueuer = enqueuer
        self._instance = instance

    def using(self, **options: Unpack[RecurringOptions]) -> "InstanceEnqueuer":
        """As `Enqueuer.using`."""
        return InstanceEnqueuer(self._enqueuer.using(**options), self._instance)

    def enqueue(self) -> Any:
        """As `Enqueuer.enqueue`, or that of a schedule, with the fields as they are now."""
        args, kwargs = self._enqueuer.handler.spread(self._instance)
        return self._enqueuer.enqueue(*args, **kwargs)

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
        if isinstance(self._enqueuer, RecurringEnqueuer):
            raise InvalidOptions("schedule", f"is for what recurs: {why}")
        return self._enqueuer

    async def aenqueue(self) -> Any:
        """As `enqueue`."""
        args, kwargs = self._enqueuer.handler.spread(self._instance)
        return await self._enqueuer.aenqueue(*args, **kwargs)


class _OfClassOrInstance:
    """`Divide.enqueue(a=1, b=2)` and `Divide(1, 2).enqueue()` by one name."""

    def __init__(self, name: str, enqueuer: Enqueuer[...]) -> None:
        self._name = name
        self._enqueuer = enqueuer

    def __get__(self, instance: object, owner: type) -> Any:
        declared = self._enqueuer.handler.declared
        if owner is not declared:
            raise AttributeError(f"{owner!r} is no job: put @job on it, as on the class it extends")
        if instance is None or self._name in _OF_CLASS:
            return getattr(self._enqueuer, self._name)
        return getattr(InstanceEnqueuer(self._enqueuer, instance), self._name)


_OF_CLASS = ("handler", "enqueue_many", "aenqueue_many")
_OF_BOTH = ("using", "enqueue", "aenqueue", "enqueue_and_wait", "aenqueue_and_wait", "s")


def _equip(declared: type, handler: Handler) -> None:
    """Give the class what a function under @job has."""
    taken = [name for name in (*_OF_CLASS, *_OF_BOTH) if name in handler.arguments.parameters]
    taken += [name for name in (*_OF_CLASS, *_OF_BOTH) if name in vars(declared)]
    if taken:
        raise InvalidHandler(
            handler.name, f"@job adds {taken[0]!r} to the class, which has one already: rename it."
        )
    enqueuer: Enqueuer[...] = Enqueuer(handler)
    for name in (*_OF_CLASS, *_OF_BOTH):
        setattr(declared, name, _OfClassOrInstance(name, enqueuer))


class JobDecorator(Protocol):
    """What @job with options returns."""

    @overload  # a class can be called, too: it is matched first
    def __call__(self, declared: type[T], /) -> type[T]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(
        self, declared: Callable[Concatenate[JobContext, P], R], /
    ) -> JobFunction[Concatenate[JobContext, P], P, R]: ...
    @overload
    def __call__(self, declared: Callable[P, R], /) -> JobFunction[P, P, R]: ...


@overload  # a class can be called, too: it is matched first
def job(declared: type[T], /) -> type[T]: ...  # type: ignore[overload-overlap]
@overload
def job(
    declared: Callable[Concatenate[JobContext, P], R], /
) -> JobFunction[Concatenate[JobContext, P], P, R]: ...
@overload
def job(declared: Callable[P, R], /) -> JobFunction[P, P, R]: ...
@overload
def job(
    *, replace: bool = False, registry: Registry | None = None, **options: Unpack[HandlerOptions]
) -> JobDecorator: ...


def job(
    declared: Any = None,
    /,
    *,
    replace: bool = False,
    registry: Registry | None = None,
    **options: Unpack[HandlerOptions],
) -> Any:
    """Declare a function, or a dataclass with a `run()`, as the handler of a job.

    Bare, or with options: `@job(queue="email", max_attempts=5, timeout=30)`. The name is
    `module.qualname` unless `name` gives a stable one; `aliases` are names it had before. A
    function stays callable and gains `enqueue`, `using` and their like; a class stays the class,
    and its instances gain them too. A name that is taken raises, unless `replace`. With `cron` or
    `every` the handler, which must then need no arguments, is enqueued by a schedule of its name;
    with `schedulable=True` the admin may make schedules of it.

        @job(queue="email")
        def send_welcome(user_id: int) -> None: ...

        send_welcome.using(delay=60).enqueue(user_id=1)
    """

    def declare(declared: Any) -> Any:
        handler = Handler.of(declared, **options)
        if isinstance(declared, type):
            _equip(declared, handler)
            made: Any = declared
        else:
            made = JobFunction(handler, declared)
        (registry_of_process if registry is None else registry).register(handler, replace=replace)
        return made

    return declare if declared is None else declare(declared)
