"""How the site is doing, for those who ask from outside: a command, a probe."""

from datetime import timedelta

from msgspec.structs import replace

from django_jobqueue.core.health import Health, HealthCheck

from .site import site_store

#: Who asks whether all is well gives up soon, and asks again.
READ_LIMIT = timedelta(seconds=3)


def examine(check: HealthCheck) -> tuple[Health, tuple[str, ...]]:
    """Return the numbers and what is wrong with them, a sentence each.

    ReadTooSlow, or Django's DatabaseError, where the database does not answer.
    """
    store = site_store()
    with store.reading(at_most=READ_LIMIT):
        health = store.health(check.queues, count_limit=check.count_limit)
        if check.max_snapshot_age is not None:
            health = replace(health, held_snapshot=store.held_snapshot())
    return health, check.complaints(health)
