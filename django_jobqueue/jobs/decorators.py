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

from .classes import equip
from .context import JobContext
from .enqueueing import Enqueuer
from .handlers import Handler, HandlerOptions
from .registry import Registry
from .registry import registry as registry_of_process

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
            equip(declared, handler)
            made: Any = declared
        else:
            made = JobFunction(handler, declared)
        (registry_of_process if registry is None else registry).register(handler, replace=replace)
        return made

    return declare if declared is None else declare(declared)
