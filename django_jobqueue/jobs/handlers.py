"""A handler: what was declared with @job, plus its options."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Literal, Self, TypedDict, Unpack

from msgspec import UNSET, UnsetType

from django_jobqueue.core.errors import InvalidArguments, InvalidHandler, InvalidOptions
from django_jobqueue.core.hints import did_you_mean
from django_jobqueue.core.limits import HandlerLimits
from django_jobqueue.core.payloads import load_payload
from django_jobqueue.core.retry import ErrorClasses, RetryPolicy
from django_jobqueue.core.schedules import ScheduleTerms
from django_jobqueue.core.serialization import ArgumentSpec
from django_jobqueue.permits.base import PermitStrategy

from . import option_values as values
from .limiting import check_key_template, limits_of, strategies_of
from .options import JobOptions, SharedOptions, refuse_unknown
from .schedule_options import ScheduleOptions, schedule_name, split, terms_of
from .targets import Target, target_of

#: What names a handler: its registered name, or what @job returned.
HandlerLike = object


class _RetryOptions(TypedDict, total=False):
    retry_on: type[BaseException] | Iterable[type[BaseException]]
    discard_on: type[BaseException] | Iterable[type[BaseException]]
    max_reprocess_count: int | None
    max_rescues: int


class _LimitOptions(TypedDict, total=False):
    concurrency: int
    max_running: int
    rate: str
    rate_burst: int
    key_limit: int
    key_rate: str


class HandlerOptions(SharedOptions, _RetryOptions, _LimitOptions, ScheduleOptions, total=False):
    """What @job takes."""

    name: str
    aliases: Iterable[str]
    keep: bool
    transactional: bool
    isolation: Literal["process"] | None
    permits: Iterable[PermitStrategy]
    schedulable: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Handler:
    """One declared handler. An option that is None (UNSET, where None has a meaning) was not said:
    what the site's settings say holds, looked up when the job is enqueued or run.
    """

    name: str
    aliases: tuple[str, ...]
    declared: object  #: the function or class under @job
    function: Callable[..., Any]  #: takes what `arguments_of` returns; the context by keyword
    arguments: ArgumentSpec
    is_async: bool
    context_parameter: str | None  #: the keyword that takes the JobContext, if the handler asks
    options: JobOptions
    retry_on: ErrorClasses | None
    discard_on: ErrorClasses
    max_reprocess_count: int | UnsetType | None
    max_rescues: int | None
    keep: bool  #: whether the record of a success is kept
    limits: HandlerLimits
    permits: tuple[PermitStrategy, ...]  #: what it asks before each run, in this order
    transactional: bool  #: whether it runs in the transaction that writes its success
    is_isolated: bool  #: whether it runs in a process of its own
    schedulable: bool  #: whether the admin may make schedules of it
    schedule: ScheduleTerms | None  #: the schedule that @job declares

    @classmethod
    def of(
        cls,
        declared: object,
        *,
        target_of: Callable[..., Target] = target_of,
        **options: Unpack[HandlerOptions],
    ) -> Self:
        """Return the handler of a function or class; it is not registered yet.

        `target_of(declared, name=…)` says how it is called. InvalidOptions and InvalidHandler say
        what is wrong, and what to do.
        """
        given = _known(options)
        name = values.label("name", given.get("name", _qualified_name(declared)))
        target = target_of(declared, name=name)
        checked = RetryPolicy.of(**_those(given, _RetryOptions))
        return cls(
            name=name,
            aliases=values.labels("aliases", given.get("aliases", ())),
            declared=declared,
            function=target.function,
            arguments=target.arguments,
            is_async=target.is_async,
            context_parameter=target.context_parameter,
            options=JobOptions.of_handler(_those(given, SharedOptions)),
            retry_on=checked.retry_on,
            discard_on=checked.discard_on,
            max_reprocess_count=given.get("max_reprocess_count", UNSET),
            max_rescues=given.get("max_rescues"),
            **_switches(given),
            limits=limits_of(name, _those(given, _LimitOptions)),
            permits=strategies_of("permits", given.get("permits", ())),
            is_isolated=_is_isolated(given.get("isolation")),
            schedule=terms_of(split(given)[0]),
        )._checked()

    def options_with(self, said: JobOptions) -> JobOptions:
        """Return what holds where a call says `said`; InvalidOptions if it does not go together."""
        options = said.over(self.options).check_key()
        _check_unique_by(options.unique_by or (), self.arguments)
        if not self.keep and options.unique_for is not None:
            raise InvalidOptions(
                "unique_for",
                f"looks for finished jobs, but keep=False of {self.name} deletes their records",
            )
        return options

    @property
    def is_limited(self) -> bool:
        """Whether it declares a limit, of its own or by a concurrency key."""
        limits = self.limits
        has_own = limits.concurrency is not None or limits.limit.says_anything
        return has_own or self.options.concurrency_key is not None

    def _checked(self) -> Self:
        """Options that go together, and no schedule without what its jobs need."""
        _check_transactional(self)
        self.options_with(JobOptions())
        check_key_template(self.options.concurrency_key, parameters=self.arguments.parameters)
        if self.schedule is None:
            return self
        schedule_name("name", self.name)
        try:
            self.arguments.bind()
        except InvalidArguments as error:
            raise InvalidHandler(
                self.name,
                f"a schedule runs it without arguments, but {error.why}. Give them defaults, or "
                "declare the schedule in JOBQUEUE['SCHEDULES'].",
            ) from None
        return self

    def spread(self, call: object) -> tuple[Sequence[object], Mapping[str, object]]:
        """Return one call of a bulk enqueue as positional and keyword arguments."""
        if isinstance(self.declared, type) and isinstance(call, self.declared):
            return (), {name: getattr(call, name) for name in self.arguments.parameters}
        # Most are dictionaries: to ask an abstract class takes as long as all the rest of this.
        if isinstance(call, (dict, Mapping)):
            return (), call
        if isinstance(call, list | tuple):
            return call, {}
        raise InvalidArguments(
            self.name,
            f"{call!r} is no call: give a dictionary of keyword arguments, or a list or tuple of "
            "positional ones",
        )

    def arguments_of(
        self, payload: str, *, later: str | None = None
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the typed arguments of a stored job; `later` is one that is added to it later.

        PayloadError if the text is no payload, InvalidArguments if it does not fit the signature.
        """
        return self.arguments.load(*load_payload(payload), later=later)

    @property
    def uses_event_loop(self) -> bool:
        """Whether it takes a place in the event loop of its worker, instead of a thread."""
        return self.is_async and not self.is_isolated

    def policy(self, defaults: RetryPolicy) -> RetryPolicy:
        """Return how this handler is retried, with `defaults` for what it does not say."""
        said: dict[str, Any] = {
            "max_attempts": self.options.max_attempts,
            "backoff": self.options.backoff,
            "max_rescues": self.max_rescues,
        }
        said = {option: value for option, value in said.items() if value is not None}
        if self.max_reprocess_count is not UNSET:
            said["max_reprocess_count"] = self.max_reprocess_count
        return replace(defaults, retry_on=self.retry_on, discard_on=self.discard_on, **said)

    def __repr__(self) -> str:
        return f"<Handler {self.name!r}>"


def handler_of(declared: HandlerLike) -> Handler:
    """Return the handler of what @job returned; TypeError for anything else."""
    found = declared if isinstance(declared, Handler) else getattr(declared, "handler", None)
    if isinstance(found, Handler):
        return found
    raise TypeError(f"{declared!r} is no job: give what @job returned, or the name of a handler")


def name_of(declared: HandlerLike) -> str:
    """Return the name of a handler; a text is one, whether it is registered here or not."""
    return declared if isinstance(declared, str) else handler_of(declared).name


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    refuse_unknown(options, known=HandlerOptions.__annotations__)
    return dict(options)


def _switches(given: Mapping[str, Any]) -> dict[str, bool]:
    usual = {"keep": True, "transactional": False, "schedulable": False}
    return {
        option: values.switch(option, given.get(option, default))
        for option, default in usual.items()
    }


def _those(given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    return {option: given[option] for option in given if option in kind.__annotations__}


def _is_isolated(isolation: object) -> bool:
    if isolation not in (None, "process"):
        raise InvalidOptions("isolation", f"must be 'process' or None, not {isolation!r}")
    return isolation == "process"


def _qualified_name(declared: object) -> str:
    if isinstance(declared, type | FunctionType):
        return f"{declared.__module__}.{declared.__qualname__}"
    return f"an object of {type(declared).__qualname__}"


def _check_transactional(handler: Handler) -> None:
    if handler.transactional and handler.is_isolated:
        raise InvalidOptions(
            "transactional",
            f"does not go with isolation='process' of {handler.name}: what comes of such a job is "
            "written by its worker, not by the process that the transaction is in. Leave one out.",
        )
    if handler.transactional and handler.is_async:
        raise InvalidOptions(
            "transactional",
            f"does not fit {handler.name}, which is async: a transaction belongs to one thread. "
            "Declare it with def, or leave the option out.",
        )


def _check_unique_by(names: tuple[str, ...], arguments: ArgumentSpec) -> None:
    for name in names:
        if name not in arguments.parameters and not arguments.takes_any_keyword:
            raise InvalidOptions(
                "unique_by",
                f"names {name!r}, which is no parameter of {arguments.handler}."
                f"{did_you_mean(name, arguments.parameters)}",
            )
