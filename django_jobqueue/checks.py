"""System checks: misuse that can be seen before anything runs. None opens a connection."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from django_jobqueue import conf
from django_jobqueue.core.cron import Every, zone_of
from django_jobqueue.core.errors import InvalidSettings, JobQueueError
from django_jobqueue.core.schedule_errors import UnknownTimeZone
from django_jobqueue.jobs.declarations import declarations
from django_jobqueue.jobs.one_writer import why_it_holds_too_long
from django_jobqueue.jobs.registry import registry
from django_jobqueue.store import store_for
from django_jobqueue.store.resolver import SUPPORTED_VENDORS
from django_jobqueue.store.spool import others_may_write, why_unusable
from django_jobqueue.worker.services import find_maker

SHORTEST_PRUDENT_LEASE = timedelta(seconds=10)
SQLITE_OPTIONS_HINT = (
    'Set its OPTIONS to {"transaction_mode": "IMMEDIATE", "timeout": 20, '
    '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}.'
)
_SETS_WAL = re.compile(r"journal_mode\s*=?\s*\(?\s*['\"]?wal", re.IGNORECASE)


def check_settings(**_: Any) -> Sequence[CheckMessage]:
    """E002: JOBQUEUE cannot be right. W002: a lease that a pause of the worker outlasts."""
    try:
        settings = conf.current()
    except InvalidSettings as error:
        return [
            Error(str(error), hint="Correct JOBQUEUE in your settings.", id="jobqueue.E002"),
        ]
    if settings.database not in connections.settings:
        return [
            Error(
                f"JOBQUEUE['DATABASE'] is {settings.database!r}, which is not in DATABASES.",
                hint=f"The aliases are: {', '.join(connections.settings)}.",
                id="jobqueue.E002",
            )
        ]
    if settings.lease > SHORTEST_PRUDENT_LEASE:
        return []
    return [
        Warning(
            f"JOBQUEUE['LEASE'] is {settings.lease.total_seconds():g} s: a worker that pauses for "
            "that long, swapping or in a virtual machine, loses its jobs to another.",
            hint="Set it above 10 seconds; the default is 30.",
            id="jobqueue.W002",
        )
    ]


def check_services(**_: Any) -> Sequence[CheckMessage]:
    """E003: JOBQUEUE["SERVICES"] names what is no service task. Imports them, but makes none."""
    try:
        paths = conf.current().services
    except InvalidSettings:
        return []  # told by check_settings
    messages: list[CheckMessage] = []
    for path in paths:
        try:
            find_maker(path)
        except InvalidSettings as error:
            hint = "Name a ServiceTask class, or a function without parameters that returns one."
            messages.append(Error(str(error), hint=hint, id="jobqueue.E003"))
    return messages


def check_schedules(**_: Any) -> Sequence[CheckMessage]:
    """E005: a declared schedule that cannot be. W004: its time zone is not known here."""
    try:
        declared = list(declarations(registry, conf.current()))
    except InvalidSettings:
        return []  # told by check_settings
    messages: list[CheckMessage] = []
    for name, found in declared:
        if isinstance(found, JobQueueError):
            hint = "Correct it; until then its row stays as it was."
            messages.append(Error(str(found), hint=hint, id="jobqueue.E005"))
        elif not isinstance(found.terms.rule, Every):
            try:
                zone_of(found.terms.rule.timezone)
            except UnknownTimeZone as error:
                told = f"The schedule {name!r} is disabled on this machine: {error}"
                messages.append(Warning(told, id="jobqueue.W004"))
    return messages


def check_spool(**_: Any) -> Sequence[CheckMessage]:
    """E004: JOBQUEUE["SPOOL"] cannot be written. W003: others could put jobs of theirs there."""
    try:
        directory = conf.current().spool
    except InvalidSettings:
        return []  # told by check_settings
    if directory is None:
        return []
    named = f"JOBQUEUE['SPOOL'] is {str(directory)!r}"
    if (why := why_unusable(directory)) is not None:
        hint = "Name a directory that belongs to the user who runs this, outside the web root."
        return [Error(f"{named}: {why}.", hint=hint, id="jobqueue.E004")]
    if others_may_write(directory):
        hint = f"Take the right from them: chmod 700 {directory}"
        told = f"{named}: other users may write there, and what is in a spool is run."
        return [Warning(told, hint=hint, id="jobqueue.W003")]
    return []


def check_transactional_handlers(**_: Any) -> Sequence[CheckMessage]:
    """E006: a handler that could hold the only write lock of SQLite for longer than a lease."""
    try:
        settings = conf.current()
        store = store_for(settings.database)
    except (InvalidSettings, ConnectionDoesNotExist):
        return []  # told by check_settings and check_database
    messages: list[CheckMessage] = []
    for handler in registry:
        timeout = handler.options.timeout
        if handler.transactional and (
            why := why_it_holds_too_long(timeout, store=store, lease=settings.lease)
        ):
            told = f"The timeout of {handler.name!r} {why}."
            hint = "Give it @job(transactional=True, timeout=…), or keep its jobs in PostgreSQL."
            messages.append(Error(told, hint=hint, id="jobqueue.E006"))
    return messages


def check_database(**_: Any) -> Sequence[CheckMessage]:
    """E001: this kind of database cannot keep jobs. W001: SQLite that answers 'locked'."""
    try:
        alias = conf.current().database
    except InvalidSettings:
        return []  # told by check_settings
    if alias not in connections.settings:
        return []
    connection = connections[alias]
    if connection.vendor not in SUPPORTED_VENDORS:
        return [
            Error(
                f"A {connection.vendor!r} database cannot keep jobs.",
                hint=f"Point JOBQUEUE['DATABASE'] at an alias of {' or '.join(SUPPORTED_VENDORS)}.",
                id="jobqueue.E001",
            )
        ]
    if connection.vendor == "sqlite":
        return _sqlite_warnings(alias, connection.settings_dict)
    return []


def _sqlite_warnings(alias: str, database: dict[str, Any]) -> list[CheckMessage]:
    name = str(database["NAME"])
    if name == ":memory:" or "mode=memory" in name:
        return []  # one process, and nothing to lock
    options = database.get("OPTIONS", {})
    lacks = []
    if str(options.get("transaction_mode") or "").upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        lacks.append("takes its write lock late (transaction_mode is not IMMEDIATE)")
    if not _SETS_WAL.search(str(options.get("init_command") or "")):
        lacks.append("lets readers block writers (no journal_mode=WAL in init_command)")
    if not lacks:
        return []
    return [
        Warning(
            f"The SQLite database {alias!r} keeps jobs, but {' and '.join(lacks)}: workers and "
            "requests will fail with 'database is locked'.",
            hint=SQLITE_OPTIONS_HINT,
            id="jobqueue.W001",
        )
    ]
