"""DATABASES entries from a URL: `sqlite:///path` or `postgresql://user@host/name?option=value`."""

from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

#: WAL lets readers and one writer work side by side; IMMEDIATE takes the write lock at BEGIN, where
#: SQLite waits for it.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
}


def database_from_url(url: str) -> dict[str, Any]:
    """Return the DATABASES entry that `url` describes.

    `sqlite:////absolute/path` and `sqlite:///relative/path` name a file. ImproperlyConfigured tells
    of a URL that names no database this site can use.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _unusable(url) from error
    if parts.scheme == "sqlite" and len(parts.path) > 1 and not parts.netloc:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path.removeprefix("/")),
            "OPTIONS": dict(SQLITE_OPTIONS),
        }
    if parts.scheme in ("postgres", "postgresql") and len(parts.path) > 1:
        return _postgresql(parts, port=port)
    raise _unusable(url)


def _postgresql(parts: SplitResult, *, port: int | None) -> dict[str, Any]:
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or parts.hostname or "",
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def _unusable(url: str) -> ImproperlyConfigured:
    # Without what stands before the @: error pages and logs are no place for a password.
    shown = url.rpartition("@")[2]
    return ImproperlyConfigured(
        f"DATABASE_URL …{shown!r} names no database this site can use: "
        "write postgresql://user:password@host:port/name or sqlite:////absolute/path"
    )
