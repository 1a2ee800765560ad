"""How the site is doing, for those who ask from outside: a command, a probe."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec.structs import replace

from django_jobqueue.core.health import Health, HealthCheck, QueueStats

from .site import site_store

#: Who asks whether all is well gives up soon, and asks again.
READ_LIMIT = timedelta(seconds=3)
#: Each queue costs some ten reads.
QUEUES_LISTED = 500


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


def queues_health(choose: Callable[[Sequence[str]], Sequence[str]]) -> Health:
    """Return the numbers of the queues that `choose` names, knowing which have ready jobs; each
    costs a count. Errors as for `examine`.
    """
    store = site_store()
    with store.reading(at_most=READ_LIMIT):
        return store.health(choose(store.queues_with_ready_jobs()))


def queues_stats(names: Sequence[str] = (), *, limit: int = QUEUES_LISTED) -> list[QueueStats]:
    """Return the numbers of these queues, or of all that have jobs or a row of their own, up to
    `limit`, by their names. ReadTooSlow as for `examine`, each read on its own.
    """
    store = site_store()
    with store.reading(at_most=READ_LIMIT):
        asked = list(names) or store.queue_names(limit=limit)
        return [store.queue_stats(name) for name in dict.fromkeys(asked)]
