"""A database for one benchmark: fresh, migrated, and gone afterwards."""

import os
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
import psycopg
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

from example_project.databases import SQLITE_OPTIONS
from tests.postgresql_server import postgresql_server

from .errors import BenchmarkFailed

KINDS = ("postgresql", "sqlite")


@contextmanager
def prepared_site(
    kind: str, *, connections_needed: int = 100, admitted: str = ""
) -> Iterator[None]:
    """Set up Django, here and for child processes, on a fresh database; once per process.

    PostgreSQL is the server of DATABASE_URL if that names one, or a server of its own with the
    default durability that takes so many connections. It is one of its own where addresses are to
    be `admitted`, which may come by TCP.
    """
    settings = {"max_connections": str(connections_needed)}
    with _sqlite_file() if kind == "sqlite" else _postgresql_database(settings, admitted) as url:
        os.environ["DATABASE_URL"] = url
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        try:
            yield
        finally:
            connections.close_all()


def empty_tables() -> None:
    """Make every table as new: on PostgreSQL, TRUNCATE gives tables and indexes new files."""
    call_command("flush", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


def settle() -> None:
    """Let the database count what it holds, as autovacuum does where there is more time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def bare_postgresql() -> psycopg.Connection[Any]:
    """Return a connection of the driver alone, each statement a transaction."""
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def bare_sqlite() -> sqlite3.Connection:
    """Return a connection of the driver alone, with the durability of Django's."""
    parameters = connection.get_connection_params()
    opened = sqlite3.connect(parameters["database"], isolation_level=None)
    opened.executescript(str(SQLITE_OPTIONS["init_command"]))
    return opened


def server_pid() -> int:
    """Return the process of the PostgreSQL server; BenchmarkFailed if it is not of this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        file = Path(cursor.fetchone()[0]) / "postmaster.pid"
    try:
        return int(file.read_text().split()[0])
    except OSError as error:
        raise BenchmarkFailed(
            f"the server's processes are looked at, and {error}: leave DATABASE_URL out, for a "
            "server that is started here"
        ) from error


def server_facts() -> dict[str, str]:
    """Return the database's version, and what it promises about durability."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
            facts = {"version": f"SQLite {cursor.fetchone()[0]}"}
            for pragma in ("journal_mode", "synchronous"):
                cursor.execute(f"PRAGMA {pragma}")
                facts[pragma] = str(cursor.fetchone()[0])
            return facts
        cursor.execute("SHOW server_version")
        facts = {"version": f"PostgreSQL {cursor.fetchone()[0]}"}
        for parameter in ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers"):
            cursor.execute(f"SHOW {parameter}")
            facts[parameter] = cursor.fetchone()[0]
        return facts


@contextmanager
def _sqlite_file() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="jobqueue-benchmark-") as folder:
        yield f"sqlite:///{folder}/site.sqlite3"


@contextmanager
def _postgresql_database(settings: Mapping[str, str], admitted: str) -> Iterator[str]:
    given = os.environ.get("DATABASE_URL", "")
    own = postgresql_server(settings=settings, admitted=admitted)
    with nullcontext(given) if given.startswith("postgres") and not admitted else own as server:
        name = f"jobqueue_benchmark_{uuid.uuid4().hex}"
        _run_on(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            _run_on(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _run_on(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as maintenance:
        maintenance.execute(statement)
