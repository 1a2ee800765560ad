"""A Django site around a subject that is a backend of Django's tasks."""

import os
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import django
from django.conf import settings


def set_up(*, apps: Sequence[str], backend: str) -> None:
    """Configure Django on the PostgreSQL database that SUBJECT_URL names."""
    parts = urlsplit(os.environ["SUBJECT_URL"])
    settings.configure(
        SECRET_KEY="only for benchmarks",  # noqa: S106 - it protects nothing
        USE_TZ=True,
        INSTALLED_APPS=list(apps),
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path.removeprefix("/"),
                "USER": parts.username or "",
                "PASSWORD": parts.password or "",
                "HOST": dict(parse_qsl(parts.query)).get("host") or parts.hostname or "",
                "PORT": str(parts.port or ""),
                # Persistent, as both projects advise where throughput matters.
                "CONN_MAX_AGE": None,
            }
        },
        TASKS={"default": {"BACKEND": backend}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()
