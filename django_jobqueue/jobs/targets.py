"""What @job may stand on: a module-level function, or a dataclass or Struct with a `run()`."""

import dataclasses
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import msgspec

from django_jobqueue.core.errors import InvalidHandler
from django_jobqueue.core.serialization import ArgumentSpec

from .context import JobContext


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How a worker calls what was declared: `function(*args, **kwargs)`, context by keyword."""

    function: Callable[..., Any]
    arguments: ArgumentSpec
    is_async: bool
    context_parameter: str | None


def target_of(declared: object, *, name: str) -> Target:
    """Return how to call `declared`; InvalidHandler, told of `name`, if it cannot be a job."""
    if isinstance(declared, type):
        return _of_class(declared, name)
    if not isinstance(declared, FunctionType):
        raise InvalidHandler(
            name,
            f"{declared!r} is neither a function nor a class. Put @job on a function at the top "
            "level of a module, or on a dataclass with a run() method.",
        )
    _refuse_local(declared, name)
    if "." in declared.__qualname__:
        raise InvalidHandler(name, "it is a method. Put @job on a function of the module.")
    arguments = ArgumentSpec.of(declared, name=name, context_type=JobContext)
    return Target(
        function=declared,
        arguments=arguments,
        is_async=is_async(declared, name),
        context_parameter=arguments.context_parameter,
    )


def _of_class(declared: type, name: str) -> Target:
    if not (dataclasses.is_dataclass(declared) or issubclass(declared, msgspec.Struct)):
        raise InvalidHandler(
            name,
            "the class is no dataclass, so its arguments are unknown. Put @dataclass under @job.",
        )
    run = getattr(declared, "run", None)
    if not isinstance(run, FunctionType):
        raise InvalidHandler(name, "the class has no run() method, which is what the job does.")
    _refuse_local(declared, name)
    context = _context_of_run(run, name)
    return Target(
        function=_constructing(declared, context),
        arguments=ArgumentSpec.of(declared, name=name),
        is_async=is_async(run, name),
        context_parameter=context,
    )


def _context_of_run(run: FunctionType, name: str) -> str | None:
    spec = ArgumentSpec.of(run, name=f"{name}.run", context_type=JobContext)
    if spec.parameters != ("self",):
        raise InvalidHandler(
            name, "run() takes self and a JobContext at most: the fields are the arguments."
        )
    return spec.context_parameter


def _constructing(declared: type, context: str | None) -> Callable[..., Any]:
    """A function that makes an instance of what the job was given, and runs it."""

    def run(*args: object, **kwargs: object) -> object:
        if context is None:
            return declared(*args, **kwargs).run()
        given = {context: kwargs.pop(context)}
        return declared(*args, **kwargs).run(**given)

    return run


def _refuse_local(declared: FunctionType | type, name: str) -> None:
    if "<lambda>" in declared.__qualname__ or "<locals>" in declared.__qualname__:
        raise InvalidHandler(
            name,
            "it is defined inside a function, where no worker process can import it. Move it to "
            "the top level of the module.",
        )


def is_async(function: FunctionType, name: str) -> bool:
    """Whether calling it gives a coroutine; InvalidHandler for a generator."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidHandler(
            name,
            "it is a generator: calling it runs none of its lines. Return instead of yielding.",
        )
    return inspect.iscoroutinefunction(function)
