# What mypy is told is wrong for pyright, which reads it all the same.
# pyright: reportRedeclaration=false, reportOverlappingOverload=false
"""`JobClass`: what @job adds to a dataclass, told to type checkers."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar, Concatenate, ParamSpec, Protocol, TypeVar, Unpack, overload

from django_jobqueue.core.clock import Seconds
from django_jobqueue.core.snapshots import JobSnapshot

from .calls import JobCall
from .classes import InstanceEnqueuer, OfClassOrInstance
from .enqueueing import Call, Enqueuer
from .handlers import Handler
from .handles import JobHandle
from .options import CallOptions, ChainOptions
from .schedule_options import CronOptions, EveryOptions
from .schedules import RecurringEnqueuer, Schedule

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)

#: mypy takes a constant of this name for true, whatever its value.
MYPY = False

_Class = Callable[P, object]
#: What mypy takes the class of an instance for: it does not look at the signature there. No class
#: by its name is this, since none of a dataclass takes any number of arguments.
_OfInstance = Callable[[*tuple[object, ...]], object]
_Many = Callable[[Iterable[Call]], R_co]
_Coming = Coroutine[Any, Any, R_co]


class _Same(Protocol[R_co]):
    """What a class and its instances share."""

    def __get__(self, instance: object, owner: object) -> R_co: ...


class _Calls(Protocol[R_co]):
    """A method that takes the arguments of the job from a class, and none from an instance."""

    @overload
    def __get__(self, instance: None, owner: Callable[P, object]) -> Callable[P, R_co]: ...
    @overload
    def __get__(self, instance: object, owner: object) -> Callable[[], R_co]: ...


class _CallsAndWaits(Protocol[R_co]):
    """As `_Calls`, with the timeout before them."""

    @overload
    def __get__(
        self, instance: None, owner: Callable[P, object]
    ) -> Callable[Concatenate[Seconds | None, P], R_co]: ...
    @overload
    def __get__(self, instance: object, owner: object) -> Callable[[Seconds | None], R_co]: ...


class _UsesWithArguments(Protocol[P]):
    @overload
    def __call__(self, **options: Unpack[CallOptions]) -> Enqueuer[P]: ...
    @overload
    def __call__(self, **options: Unpack[ChainOptions]) -> Enqueuer[...]: ...
    @overload
    def __call__(self, **options: Unpack[CronOptions]) -> RecurringEnqueuer[P]: ...
    @overload
    def __call__(self, **options: Unpack[EveryOptions]) -> RecurringEnqueuer[P]: ...


class _UsesOfInstance(Protocol):
    @overload
    def __call__(self, **options: Unpack[CallOptions]) -> InstanceEnqueuer[JobHandle]: ...
    @overload
    def __call__(self, **options: Unpack[CronOptions]) -> InstanceEnqueuer[Schedule]: ...
    @overload
    def __call__(self, **options: Unpack[EveryOptions]) -> InstanceEnqueuer[Schedule]: ...


class _Uses(Protocol):
    @overload
    def __get__(self, instance: None, owner: Callable[P, object]) -> _UsesWithArguments[P]: ...
    @overload
    def __get__(self, instance: object, owner: object) -> _UsesOfInstance: ...


class JobClass:
    """A base for dataclasses under @job that tells type checkers what @job adds to them.

    mypy and pyright then check the arguments of `Divide.enqueue(a=1, b=2)` against the fields, and
    know `Divide(1, 2).enqueue()`. While the program runs it does nothing.

        @job
        @dataclass
        class Divide(JobClass):
            a: int
            b: int = 1

            def run(self) -> float: ...
    """

    __slots__ = ()

    handler: ClassVar[_Same[Handler]] = OfClassOrInstance("handler")
    enqueue_many: ClassVar[_Same[_Many[list[JobHandle]]]] = OfClassOrInstance("enqueue_many")
    aenqueue_many: ClassVar[_Same[_Many[_Coming[list[JobHandle]]]]] = OfClassOrInstance(
        "aenqueue_many"
    )
    if MYPY:
        # To `__get__` mypy gives a class without its signature, but to a class method with it. From
        # an instance it does not, and takes it for one of no arguments: what an instance needs.
        @overload
        @classmethod
        def using(
            cls: _OfInstance, **options: Unpack[CallOptions]
        ) -> InstanceEnqueuer[JobHandle]: ...
        @overload
        @classmethod
        def using(
            cls: _OfInstance, **options: Unpack[CronOptions]
        ) -> InstanceEnqueuer[Schedule]: ...
        @overload
        @classmethod
        def using(
            cls: _OfInstance, **options: Unpack[EveryOptions]
        ) -> InstanceEnqueuer[Schedule]: ...
        @overload
        @classmethod
        def using(cls: _Class[P], **options: Unpack[CallOptions]) -> Enqueuer[P]: ...
        @overload
        @classmethod
        def using(cls: _Class[P], **options: Unpack[ChainOptions]) -> Enqueuer[...]: ...
        @overload
        @classmethod
        def using(cls: _Class[P], **options: Unpack[CronOptions]) -> RecurringEnqueuer[P]: ...
        @overload
        @classmethod
        def using(cls: _Class[P], **options: Unpack[EveryOptions]) -> RecurringEnqueuer[P]: ...
        @classmethod
        def using(cls, **options: Any) -> Any: ...
        @classmethod
        def enqueue(cls: _Class[P], *args: P.args, **kwargs: P.kwargs) -> JobHandle: ...
        @classmethod
        async def aenqueue(cls: _Class[P], *args: P.args, **kwargs: P.kwargs) -> JobHandle: ...
        @classmethod
        def enqueue_and_wait(
            cls: _Class[P], timeout: Seconds | None, /, *args: P.args, **kwargs: P.kwargs
        ) -> JobSnapshot: ...
        @classmethod
        async def aenqueue_and_wait(
            cls: _Class[P], timeout: Seconds | None, /, *args: P.args, **kwargs: P.kwargs
        ) -> JobSnapshot: ...
        @classmethod
        def s(cls: _Class[P], *args: P.args, **kwargs: P.kwargs) -> JobCall: ...
    else:
        # Others take a class method of an instance for that of its class, which needs arguments.
        using: ClassVar[_Uses] = OfClassOrInstance("using")
        enqueue: ClassVar[_Calls[JobHandle]] = OfClassOrInstance("enqueue")
        aenqueue: ClassVar[_Calls[_Coming[JobHandle]]] = OfClassOrInstance("aenqueue")
        enqueue_and_wait: ClassVar[_CallsAndWaits[JobSnapshot]] = OfClassOrInstance(
            "enqueue_and_wait"
        )
        aenqueue_and_wait: ClassVar[_CallsAndWaits[_Coming[JobSnapshot]]] = OfClassOrInstance(
            "aenqueue_and_wait"
        )
        s: ClassVar[_Calls[JobCall]] = OfClassOrInstance("s")
