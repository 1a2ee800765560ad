"""The arguments of a task: plain JSON, in the very form in which the call gave them."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django_jobqueue.core.serialization import ArgumentSpec

#: The keyword that takes the JobContext; no parameter of a task can have it.
CONTEXT = "job context"


class PlainArguments(ArgumentSpec):
    """What a task takes; its annotations mean nothing to the framework, and are not looked at."""

    __slots__ = ()

    @classmethod
    def of_task(
        cls, func: Callable[..., Any], *, name: str, takes_context: bool
    ) -> "PlainArguments":
        """Return the arguments of a task's function, without the TaskContext."""
        parameters = list(inspect.signature(func).parameters.values())
        own = [one.replace(annotation=Any) for one in parameters[int(takes_context) :]]
        return cls(name, inspect.Signature(own), context_parameter=CONTEXT)

    def bind(
        self,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        *,
        later: str | None = None,
    ) -> dict[str, Any]:
        """Return the call as it is; InvalidArguments if the function would refuse it."""
        if later is not None:
            return super().bind(args, kwargs, later=later)
        self._bound(args, kwargs or {})
        return {"args": list(args), "kwargs": dict(kwargs or {})}

    def load(
        self,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        later: str | None = None,
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the call as it is; InvalidArguments if the function would refuse it."""
        if later is not None:
            return super().load(args, kwargs, later=later)
        self._bound(args, kwargs)
        return list(args), dict(kwargs)

    def canonical(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the one form in which calls that mean the same are equal."""
        return super().bind(arguments["args"], arguments["kwargs"])
