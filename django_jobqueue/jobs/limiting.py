"""The limits that @job declares, and the concurrency keys that it makes of arguments."""

from collections.abc import Collection, Iterable, Mapping
from string import Formatter
from typing import Any

from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.hints import did_you_mean
from django_jobqueue.core.keys import checked_label
from django_jobqueue.core.limits import HandlerLimits, Limit
from django_jobqueue.core.rates import Rate
from django_jobqueue.permits.base import PermitStrategy

_MOST = 1_000_000


def count_of(option: str, value: object) -> int:
    """A whole number, 1 or more."""
    if type(value) is not int or not 1 <= value <= _MOST:
        raise InvalidOptions(option, f"must be a whole number from 1 to {_MOST:,}, not {value!r}")
    return value


def rate_of(option: str, value: object) -> str:
    """The text of a rate."""
    Rate.parse(option, value)
    return str(value)


def limits_of(name: str, given: Mapping[str, Any]) -> HandlerLimits:
    """Return what the options of @job say of limits; InvalidOptions for one that is wrong."""
    checked: dict[str, Any] = {
        option: (rate_of if option in ("rate", "key_rate") else count_of)(option, value)
        for option, value in given.items()
        if value is not None
    }
    return HandlerLimits(
        name=name,
        concurrency=checked.get("concurrency"),
        limit=Limit(
            max_running=checked.get("max_running"),
            rate=checked.get("rate"),
            rate_burst=checked.get("rate_burst", 1),
        ),
        key_limit=Limit(max_running=checked.get("key_limit", 1), rate=checked.get("key_rate")),
    )


def strategies_of(option: str, value: object) -> tuple[PermitStrategy, ...]:
    """Several strategies, in the order in which they are asked."""
    given = tuple(value) if isinstance(value, Iterable) else (value,)
    strategies = tuple(one for one in given if isinstance(one, PermitStrategy))
    if len(strategies) < len(given):
        raise InvalidOptions(
            option,
            f"must be a list of objects whose classes extend PermitStrategy, not {value!r}",
        )
    return strategies


def check_key_template(template: str | None, *, parameters: Collection[str]) -> None:
    """Raise InvalidOptions unless every `{name}` in the template is a parameter."""
    try:
        names = [name for _, name, _, _ in Formatter().parse(template or "") if name is not None]
    except ValueError as error:
        raise InvalidOptions("concurrency_key", f"{template!r} cannot be read: {error}") from error
    for name in names:
        if name not in parameters:
            raise InvalidOptions(
                "concurrency_key",
                f"names {name!r}, which is no parameter.{did_you_mean(name, parameters)}",
            )


def filled_key(template: str, named: Mapping[str, object]) -> str:
    """Return the concurrency key of one call; InvalidOptions if the call lacks an argument."""
    try:
        key = template.format_map(named)
    except KeyError as error:
        raise InvalidOptions(
            "concurrency_key",
            f"{template!r} needs the argument {error}, which this call leaves to its default: "
            "pass it, or give the key with using(concurrency_key=…)",
        ) from None
    return checked_label("concurrency_key", key)
