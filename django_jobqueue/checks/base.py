"""What a check is given: settings that were read, and the database that keeps the jobs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from django.core.checks import CheckMessage
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue import conf
from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.store.resolver import SUPPORTED_VENDORS


class Check(Protocol):
    """What Django registers."""

    def __call__(self, **_: Any) -> Sequence[CheckMessage]: ...


def of_settings(judge: Callable[[JobQueueSettings], Iterable[CheckMessage]]) -> Check:
    """Return the check that has nothing to say where the settings cannot be read: E002 tells it."""

    def check(**_: Any) -> Sequence[CheckMessage]:
        settings = settings_if_right()
        return [] if settings is None else list(judge(settings))

    return _named_after(judge, check)


def of_database(
    judge: Callable[[JobQueueSettings, BaseDatabaseWrapper], Iterable[CheckMessage]],
) -> Check:
    """Likewise where the database is none that could keep jobs: E001 and E002 tell it. The wrapper
    is for its settings, and is not connected.
    """

    def check(**_: Any) -> Sequence[CheckMessage]:
        settings = settings_if_right()
        wrapper = None if settings is None else wrapper_if_right(settings)
        return [] if settings is None or wrapper is None else list(judge(settings, wrapper))

    return _named_after(judge, check)


def settings_if_right() -> JobQueueSettings | None:
    """Return the settings; None where they cannot be read."""
    try:
        return conf.current()
    except InvalidSettings:
        return None


def wrapper_if_right(settings: JobQueueSettings) -> BaseDatabaseWrapper | None:
    """Return Django's wrapper of the database that keeps the jobs; None where none could."""
    if settings.database not in connections.settings:
        return None
    wrapper = connections[settings.database]
    return wrapper if wrapper.vendor in SUPPORTED_VENDORS else None


def options_of(wrapper: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return OPTIONS of the entry in DATABASES; empty where there are none."""
    return dict(wrapper.settings_dict.get("OPTIONS") or {})


def _named_after(judge: Callable[..., object], check: Check) -> Check:
    """Not functools.wraps: Django would ask the signature of `judge` whether it takes keywords."""
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(check, name, getattr(judge, name))
    return check
