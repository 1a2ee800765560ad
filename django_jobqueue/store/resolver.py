"""Which store serves which database."""

from functools import cache

from django.db import connections

from django_jobqueue.core.errors import InvalidSettings

from .base import JobStore

SUPPORTED_VENDORS = ("postgresql", "sqlite")


@cache
def _store_of(vendor: str, using: str) -> JobStore:
    if vendor == "postgresql":
        from .postgresql import PostgreSQLStore

        return PostgreSQLStore(using)
    from .sqlite import SQLiteStore

    return SQLiteStore(using)


def store_for(using: str) -> JobStore:
    """Return the store of a database alias; InvalidSettings for a vendor that cannot keep jobs."""
    vendor = connections[using].vendor
    if vendor not in SUPPORTED_VENDORS:
        raise InvalidSettings(
            f"a {vendor!r} database cannot keep jobs: "
            f"point JOBQUEUE['DATABASE'] at an alias of {' or '.join(SUPPORTED_VENDORS)}"
        )
    return _store_of(vendor, using)
