"""The entry of DATABASES that keeps the jobs; none of these checks connects to it."""

import os
import re
from collections.abc import Iterator

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.store.resolver import SUPPORTED_VENDORS

from .base import of_database, of_settings, options_of

SQLITE_OPTIONS_HINT = (
    'Set its OPTIONS to {"transaction_mode": "IMMEDIATE", "timeout": 20, '
    '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}.'
)
#: What psycopg_pool takes where nothing is said.
POOL_SIZE = 4
_SETS_WAL = re.compile(r"journal_mode\s*=?\s*\(?\s*['\"]?wal", re.IGNORECASE)
#: As psycopg counts them; the lower ones are those that statements here are written for.
_ISOLATION_LEVELS = {3: "REPEATABLE READ", 4: "SERIALIZABLE"}


@of_settings
def check_database(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """E001: this kind of database cannot keep jobs."""
    if settings.database not in connections.settings:
        return  # told by check_settings
    vendor = connections[settings.database].vendor
    if vendor not in SUPPORTED_VENDORS:
        yield Error(
            f"A {vendor!r} database cannot keep jobs.",
            hint=f"Point JOBQUEUE['DATABASE'] at an alias of {' or '.join(SUPPORTED_VENDORS)}.",
            id="jobqueue.E001",
        )


@of_database
def check_router(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """E007: a router keeps `migrate` from making tables where jobs are to be kept."""
    models = apps.get_app_config("jobqueue").get_models()
    refused = [
        model._meta.db_table
        for model in models
        if not router.allow_migrate_model(wrapper.alias, model)
    ]
    if refused:
        yield Error(
            f"DATABASE_ROUTERS allow no migration of {', '.join(refused)} on {wrapper.alias!r}, "
            "where JOBQUEUE['DATABASE'] keeps the jobs: these tables will not be there.",
            hint=f"Let allow_migrate() answer True for 'jobqueue' on {wrapper.alias!r}, or name "
            "the alias in JOBQUEUE['DATABASE'] on which it does.",
            id="jobqueue.E007",
        )


@of_database
def check_sqlite(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W001: SQLite that answers 'locked'."""
    if wrapper.vendor != "sqlite" or is_in_memory(wrapper):
        return  # one process, and nothing to lock
    options = options_of(wrapper)
    lacks = []
    if str(options.get("transaction_mode") or "").upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        lacks.append("takes its write lock late (transaction_mode is not IMMEDIATE)")
    if not _SETS_WAL.search(str(options.get("init_command") or "")):
        lacks.append("lets readers block writers (no journal_mode=WAL in init_command)")
    if lacks:
        yield Warning(
            f"The SQLite database {wrapper.alias!r} keeps jobs, but {' and '.join(lacks)}: workers "
            "and requests will fail with 'database is locked'.",
            hint=SQLITE_OPTIONS_HINT,
            id="jobqueue.W001",
        )


@of_database
def check_pool(settings: JobQueueSettings, wrapper: BaseDatabaseWrapper) -> Iterator[CheckMessage]:
    """W005: a pool that has fewer connections than a worker has threads that ask for one."""
    pool = options_of(wrapper).get("pool")
    if not pool:
        return
    sizes = pool if isinstance(pool, dict) else {}
    size = sizes.get("max_size") or sizes.get("min_size", POOL_SIZE)
    if size < settings.concurrency:
        yield Warning(
            f"The connection pool of {wrapper.alias!r} has {size} connections, and a worker "
            f"{settings.concurrency} threads for handlers: those that get none fail with "
            "PoolTimeout.",
            hint=f'Set "pool": {{"max_size": {settings.concurrency + 1}}} in its OPTIONS, or lower '
            "JOBQUEUE['CONCURRENCY'].",
            id="jobqueue.W005",
        )


@of_database
def check_isolation(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W006: transactions that do not see what others have committed since they began."""
    level = _ISOLATION_LEVELS.get(options_of(wrapper).get("isolation_level", 0))
    if level is not None:
        yield Warning(
            f"Transactions on {wrapper.alias!r} are {level}: an enqueue under a unique key, or a "
            "verb of an operator, fails with a serialization error where another transaction was "
            "quicker.",
            hint="Leave isolation_level out of its OPTIONS, which means READ COMMITTED, or keep "
            "jobs under an alias of their own for the same database.",
            id="jobqueue.W006",
        )


@of_database
def check_autocommit(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W007: what is enqueued outside a transaction waits for a commit that somebody must make."""
    if not wrapper.settings_dict["AUTOCOMMIT"]:
        yield Warning(
            f"AUTOCOMMIT is off for {wrapper.alias!r}: a job that is enqueued outside "
            "transaction.atomic() is lost unless the connection is told to commit.",
            hint=f"Leave AUTOCOMMIT out of DATABASES[{wrapper.alias!r}].",
            id="jobqueue.W007",
        )


@of_database
def check_requests(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W008: requests are atomic, but not where their jobs are kept."""
    others = [alias for alias, one in connections.settings.items() if one.get("ATOMIC_REQUESTS")]
    if others and wrapper.alias not in others:
        yield Warning(
            f"Requests are atomic on {', '.join(map(repr, others))}, but not on {wrapper.alias!r}, "
            "where JOBQUEUE['DATABASE'] keeps the jobs: a request that fails leaves its jobs.",
            hint=f"Set ATOMIC_REQUESTS in DATABASES[{wrapper.alias!r}], too.",
            id="jobqueue.W008",
        )


@of_database
def check_connect_timeout(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W009: a spool that is used only after minutes, where the network swallows packets."""
    host = str(wrapper.settings_dict["HOST"] or "")
    if wrapper.vendor != "postgresql" or settings.spool is None or host[:1] in ("", "/"):
        return  # what is on this host answers at once
    said = {"connect_timeout", "service", "pool"} & options_of(wrapper).keys()
    if not said and "PGCONNECT_TIMEOUT" not in os.environ:
        yield Warning(
            f"JOBQUEUE['SPOOL'] keeps what {wrapper.alias!r} cannot take, but no connect_timeout "
            f"is set: if {host} does not answer, each enqueue waits for minutes first.",
            hint='Set "connect_timeout": 3 in its OPTIONS.',
            id="jobqueue.W009",
        )


def is_in_memory(wrapper: BaseDatabaseWrapper) -> bool:
    """Whether an SQLite database is in no file."""
    name = str(wrapper.settings_dict["NAME"])
    return name == ":memory:" or "mode=memory" in name
