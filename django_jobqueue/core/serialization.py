"""The arguments of a call to and from JSON, by the handler's signature and annotations."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any, Self

from .converters import Converter, UnsupportedAnnotation
from .error_text import short_repr
from .errors import InvalidArguments, InvalidHandler
from .hints import did_you_mean
from .signatures import context_parameter_of, resolved_signature

_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
_Conversion = Callable[[Converter, object], object]


class ArgumentSpec:
    """What one handler takes; compiled once, when it is declared.

    `parameters` are the names that a caller can give, in order, without `*args` and `**kwargs`;
    `context_parameter` is the one that the worker fills, by keyword.
    """

    __slots__ = (
        "_by_position",
        "_converters",
        "_is_by_name_only",
        "_names",
        "_required",
        "_signature",
        "context_parameter",
        "handler",
        "parameters",
        "takes_any_keyword",
    )

    def __init__(
        self, handler: str, signature: inspect.Signature, *, context_parameter: str | None
    ) -> None:
        self.handler: str = handler
        self.context_parameter: str | None = context_parameter
        own = [
            parameter
            for name, parameter in signature.parameters.items()
            if name != context_parameter
        ]
        kinds = {parameter.kind for parameter in own}
        self._signature = signature.replace(parameters=own)
        self._converters = {each.name: _converter(handler, each) for each in own}
        self._is_by_name_only = kinds <= set(_NAMED)
        self._by_position = tuple(each.name for each in own if each.kind is _NAMED[0])
        self._names = frozenset(each.name for each in own if each.kind in _NAMED)
        self._required = frozenset(
            each.name for each in own if each.kind in _NAMED and each.default is Parameter.empty
        )
        variable = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        self.parameters: tuple[str, ...] = tuple(
            each.name for each in own if each.kind not in variable
        )
        self.takes_any_keyword: bool = Parameter.VAR_KEYWORD in kinds

    @classmethod
    def of(
        cls,
        target: Callable[..., object],
        *,
        name: str | None = None,
        context_type: type | None = None,
    ) -> Self:
        """Return the spec of a function, a method, or the fields of a dataclass or Struct.

        `name` is what errors call the handler. Raises InvalidHandler for an annotation that cannot
        be resolved or stored, naming the parameter.
        """
        handler = name or f"{target.__module__}.{target.__qualname__}"
        signature = resolved_signature(handler, target)
        context = context_parameter_of(handler, signature, context_type)
        return cls(handler, signature, context_parameter=context)

    def bind(
        self,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        *,
        later: str | None = None,
    ) -> dict[str, Any]:
        """Return a call as {"args": […], "kwargs": {…}}, ready for `dump_payload`.

        One call has one form: what can be given by name is stored by name, unless `*args` follow
        it. Defaults are not stored. Raises InvalidArguments for a call that the signature or an
        annotation refuses. The argument `later` is missing: it is added once its value is known.
        """
        if later is None:
            positional, named = self._converted(args, kwargs or {}, Converter.dump)
        else:
            positional, named = self._without(later, args, kwargs or {}, Converter.dump)
        return {"args": positional, "kwargs": named}

    def load(
        self,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        later: str | None = None,
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the typed arguments of a stored call; InvalidArguments if it does not fit. The
        argument `later` is missing, as in `bind`.
        """
        if later is None:
            return self._converted(args, kwargs, Converter.load)
        return self._without(later, args, kwargs, Converter.load)

    def named(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `bind` returned as values by parameter name; surplus `*args` have none."""
        return {
            **dict(zip(self.parameters, arguments["args"], strict=False)),
            **arguments["kwargs"],
        }

    def canonical(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what `bind` returned in the form that is equal for calls that mean the same."""
        return arguments

    def _converted(
        self, args: Sequence[object], kwargs: Mapping[str, object], convert: _Conversion
    ) -> tuple[list[Any], dict[str, Any]]:
        named = self._by_name(args, kwargs)
        if named is None:
            return self._arranged(self._bound(args, kwargs), convert)
        for name, value in named.items():
            if type(value) is not self._converters[name].exact:
                named[name] = self._one(name, value, convert=convert)
        return [], named

    def _by_name(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> dict[str, Any] | None:
        """The values by name where the call is right and has a name for all; None otherwise."""
        if not self._is_by_name_only:
            return None
        named = dict(kwargs)
        if args:
            named = {**dict(zip(self._by_position, args, strict=False)), **named}
            # Fewer than were given: one had no name, or had two values.
            if len(named) < len(args) + len(kwargs):
                return None
        return named if self._required <= named.keys() <= self._names else None

    def _without(
        self,
        later: str,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        convert: _Conversion,
    ) -> tuple[list[Any], dict[str, Any]]:
        if later in kwargs:
            raise InvalidArguments(
                self.handler, f"the argument {later!r} is given, and added later"
            )
        bound = self._bound(args, {**kwargs, later: None})
        if later in self._names:
            del bound.arguments[later]
        else:
            [surplus] = [
                name
                for name, each in self._signature.parameters.items()
                if each.kind is Parameter.VAR_KEYWORD
            ]
            del bound.arguments[surplus][later]
        return self._arranged(bound, convert)

    def _bound(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> inspect.BoundArguments:
        try:
            return self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(
                self.handler, f"{self._misfit(kwargs) or f'{error}.'} It takes {self._signature}."
            ) from None

    def _misfit(self, kwargs: Mapping[str, object]) -> str:
        """An unknown name is the likelier mistake than the missing one that Python tells first."""
        unknown = [] if self.takes_any_keyword else [n for n in kwargs if n not in self._names]
        if not unknown:
            return ""
        hint = did_you_mean(str(unknown[0]), self.parameters)
        return f"there is no argument {unknown[0]!r}.{hint}"

    def _arranged(
        self, bound: inspect.BoundArguments, convert: _Conversion
    ) -> tuple[list[Any], dict[str, Any]]:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        kinds = {name: each.kind for name, each in self._signature.parameters.items()}
        has_surplus = any(kinds[name] is Parameter.VAR_POSITIONAL for name in bound.arguments)
        for name, value in bound.arguments.items():
            match kinds[name]:
                case Parameter.VAR_POSITIONAL:
                    positional += [self._one(name, item, convert=convert) for item in value]
                case Parameter.VAR_KEYWORD:
                    for key, item in value.items():
                        named[key] = self._one(name, item, convert=convert, shown=key)
                case Parameter.POSITIONAL_ONLY:
                    positional.append(self._one(name, value, convert=convert))
                case Parameter.POSITIONAL_OR_KEYWORD if has_surplus:
                    positional.append(self._one(name, value, convert=convert))
                case _:
                    named[name] = self._one(name, value, convert=convert)
        return positional, named

    def _one(
        self, name: str, value: object, *, convert: _Conversion, shown: str | None = None
    ) -> object:
        try:
            return convert(self._converters[name], value)
        except Exception as error:  # an annotated class may raise anything of its own
            annotation = inspect.formatannotation(self._signature.parameters[name].annotation)
            must = f"argument {shown or name!r} must be {annotation}"
            why = f"{must}, not {short_repr(value)}: {error}"
            raise InvalidArguments(self.handler, why, outline=must) from error


def _converter(handler: str, parameter: Parameter) -> Converter:
    try:
        return Converter(parameter.annotation)
    except UnsupportedAnnotation as error:
        annotation = inspect.formatannotation(parameter.annotation)
        raise InvalidHandler(
            handler, f"parameter {parameter.name!r} is annotated {annotation}: {error}"
        ) from error
