"""What a callable takes, with its annotations resolved."""

import inspect
from collections.abc import Callable
from dataclasses import InitVar
from inspect import Parameter
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

from .errors import InvalidHandler


def resolved_signature(handler: str, target: Callable[..., object]) -> inspect.Signature:
    """Return the signature of a function, method, dataclass or Struct; no annotation is Any.

    Raises InvalidHandler, told of `handler`, for an annotation that names what cannot be found.
    """
    try:
        signature = inspect.signature(target)
        hints = _class_hints(target) if isinstance(target, type) else {}
    except Exception as error:  # an annotation is an expression, and may raise anything
        raise InvalidHandler(handler, f"its parameters cannot be read: {error}") from error
    scope = getattr(inspect.unwrap(target), "__globals__", {})
    parameters = []
    for name, parameter in signature.parameters.items():
        if name in hints:
            annotation = hints[name]
        elif parameter.annotation is Parameter.empty:
            annotation = Any
        else:
            annotation = _resolved(handler, parameter, scope)
        parameters.append(parameter.replace(annotation=annotation))
    return signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)


def context_parameter_of(
    handler: str, signature: inspect.Signature, context_type: type | None
) -> str | None:
    """Return the name of the parameter annotated `context_type`, which is filled by keyword."""
    found = [
        each
        for each in signature.parameters.values()
        if context_type is not None and _means(each.annotation, context_type)
    ]
    if not found:
        return None
    name = found[0].name
    kinds = {each.kind for each in signature.parameters.values()}
    if len(found) > 1:
        raise InvalidHandler(handler, f"both {name!r} and {found[1].name!r} ask for the context")
    is_by_position = found[0].kind is not Parameter.KEYWORD_ONLY
    if found[0].kind is Parameter.POSITIONAL_ONLY or (
        is_by_position and Parameter.VAR_POSITIONAL in kinds
    ):
        raise InvalidHandler(
            handler, f"the context is passed by keyword: make {name!r} keyword-only"
        )
    return name


def _means(annotation: Any, context_type: type) -> bool:
    return any(
        isinstance(each, type) and issubclass(each, context_type)
        for each in (annotation, *get_args(annotation))
    )


def _class_hints(target: type) -> dict[str, Any]:
    return {
        name: hint.type if isinstance(hint, InitVar) else hint
        for name, hint in get_type_hints(target, include_extras=True).items()
    }


def _resolved(handler: str, parameter: Parameter, scope: dict[str, Any]) -> Any:
    # One at a time: an annotation of the return value, or of the context, may be for type checkers.
    holder = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    try:
        return get_type_hints(holder, scope, include_extras=True)[parameter.name]
    except Exception as error:
        raise InvalidHandler(
            handler,
            f"the annotation {parameter.annotation!r} of parameter {parameter.name!r} cannot be "
            f"resolved: {error}. Import what it names at the top of the module, outside "
            "TYPE_CHECKING.",
        ) from error
