"""Which of the packages that this layer can use are installed."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Warning

from django_jobqueue import conf
from django_jobqueue.core.errors import InvalidSettings

#: What each setting needs: the module, and the extra that brings it.
NEEDED: Mapping[str, tuple[str, str]] = {
    "METRICS": ("prometheus_client", "prometheus"),
    "TRACING": ("opentelemetry", "otel"),
}


@cache
def is_installed(module: str) -> bool:
    """Whether it could be imported; asked once in a process."""
    return find_spec(module) is not None


def check_extras(**_: Any) -> Sequence[CheckMessage]:
    """W030: a setting asks for what is not installed."""
    try:
        settings = conf.current()
    except InvalidSettings:
        return []  # another check tells
    return [
        Warning(
            f"JOBQUEUE[{name!r}] is on, but {module} is not installed: it does nothing.",
            hint=f'pip install "django-jobqueue[{extra}]"',
            id="jobqueue.W030",
        )
        for name, (module, extra) in NEEDED.items()
        if getattr(settings, name.lower()) and not is_installed(module)
    ]
