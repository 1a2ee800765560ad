"""A database that really cannot be reached, or that is lost at the worst moment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from tests.chaos.proxy import Proxy


@contextmanager
def pointed_at(**database: Any) -> Iterator[None]:
    """Let connections that are opened meanwhile, in any thread, go somewhere else."""
    settings = connection.settings_dict
    before = {name: settings[name] for name in database}
    connection.close()
    settings.update(database)
    try:
        yield
    finally:
        settings.update(before)
        connection.close()


@contextmanager
def database_away(folder: Path) -> Iterator[None]:
    """Nobody listens where the database was, or there is no such file."""
    nowhere = folder / "nowhere"
    if connection.vendor == "sqlite":
        with pointed_at(NAME=str(nowhere / "site.sqlite3")):
            yield
    else:
        with pointed_at(HOST=str(nowhere)):
            yield


@contextmanager
def behind_a_proxy() -> Iterator[Proxy]:
    """Reach PostgreSQL through a proxy that can lose its replies."""
    with (
        Proxy(socket=postgresql_socket()) as proxy,
        pointed_at(HOST="127.0.0.1", PORT=str(proxy.port)),
    ):
        connection.ensure_connection()
        yield proxy


def postgresql_socket() -> str:
    """Where the server of the suite listens on this machine."""
    settings = connection.settings_dict
    folder = settings["HOST"] or os.environ.get("PGHOST", "/var/run/postgresql")
    return f"{folder}/.s.PGSQL.{settings['PORT'] or 5432}"
