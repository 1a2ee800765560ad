"""What is declared of handlers: options at odds with each other, with settings, or the database."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error, Warning
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.jobs.one_writer import why_it_holds_too_long
from django_jobqueue.jobs.registry import registry
from django_jobqueue.store import store_for

from .base import of_database, of_settings


@of_database
def check_transactional_handlers(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """E006: a handler that could hold the only write lock of SQLite for longer than a lease."""
    store = store_for(wrapper.alias)
    for handler in registry:
        timeout = handler.options.timeout
        if handler.transactional and (
            why := why_it_holds_too_long(timeout, store=store, lease=settings.lease)
        ):
            hint = "Give it @job(transactional=True, timeout=…), or keep its jobs in PostgreSQL."
            told = f"The timeout of {handler.name!r} {why}."
            yield Error(told, hint=hint, id="jobqueue.E006")


@of_settings
def check_limits(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """W010: a limit of a handler that its max_running never lets anybody reach."""
    for handler in registry:
        limits = handler.limits
        most = limits.limit.max_running
        inner = {"concurrency": limits.concurrency, "key_limit": limits.key_limit.max_running}
        for option, count in inner.items():
            if most is not None and count is not None and count > most:
                yield Warning(
                    f"{option}={count} of {handler.name!r} is never reached: max_running={most} "
                    "bounds all its jobs, in all workers.",
                    hint="Raise max_running, or lower the other.",
                    id="jobqueue.W010",
                )


@of_settings
def check_uniqueness(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """W011: a handler that looks for finished jobs which are not kept for so long."""
    for handler in registry:
        window = handler.options.unique_for
        if window is not None and window > settings.archive_retention:
            yield Warning(
                f"unique_for of {handler.name!r} is {window}, but JOBQUEUE['ARCHIVE_RETENTION'] is "
                f"{settings.archive_retention}: what was removed by then is enqueued again.",
                hint="Lower unique_for, or keep archived jobs for longer.",
                id="jobqueue.W011",
            )
