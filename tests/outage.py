"""A database that really cannot be reached, or that is lost at the worst moment."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from django_jobqueue.store import store_for
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


@contextmanager
def an_outage_to_come() -> Iterator[Callable[[], object]]:
    """Yield what takes the database away from a worker that runs already, until the block's end."""
    with ExitStack() as stack:
        if connection.vendor == "sqlite":
            # Nobody can take the file from those who have it open; but its write lock.
            yield lambda: stack.enter_context(write_lock())
            return
        forwarding = stack.enter_context(ExitStack())
        proxy = forwarding.enter_context(Proxy(socket=postgresql_socket()))
        stack.enter_context(pointed_at(HOST="127.0.0.1", PORT=str(proxy.port)))
        yield forwarding.close


@contextmanager
def write_lock() -> Iterator[None]:
    with transaction.atomic():
        store_for("default").statement("take_write_lock", {})  # type: ignore[attr-defined]
        yield
