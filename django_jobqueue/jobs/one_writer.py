"""Where a database has one writer at a time: a transactional handler keeps all others waiting, the
heartbeats of its own worker among them.
"""

import math
from datetime import timedelta

from django_jobqueue.store import JobStore


def why_it_holds_too_long(
    timeout: float | None, *, store: JobStore, lease: timedelta
) -> str | None:
    """Return why a transactional handler may not run that long, `timeout` in seconds; None if it
    may.
    """
    seconds = math.inf if timeout is None else timeout
    if not store.has_one_writer or seconds < lease.total_seconds():  # not so for NaN
        return None
    said = "is unlimited" if timeout is None else f"is {timeout:g} s"
    return (
        f"{said}, but a transactional handler holds the only write lock of this database: it must "
        f"be below the lease of its worker, {lease.total_seconds():g} s"
    )
