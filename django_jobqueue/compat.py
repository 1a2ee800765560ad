"""The only file that asks which version of something is installed."""

from importlib.util import find_spec

HAS_PSYCOPG = find_spec("psycopg") is not None


def tasks_framework() -> str | None:
    """Return the package of Django's tasks framework: that of Django 6, or else the backport."""
    return next((name for name in ("django.tasks", "django_tasks") if _is_there(name)), None)


def _is_there(name: str) -> bool:
    return find_spec(name) is not None
