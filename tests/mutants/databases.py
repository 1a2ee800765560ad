"""The test database as it was before the first mutant."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import TracebackType

from django.db import connection, connections


class Snapshot:
    """A copy of the test database, to go back to after a fork that ended amid a test."""

    def __enter__(self) -> "Snapshot":
        self.name = str(connection.settings_dict["NAME"])
        self.copy = f"{self.name}_copy"
        connections.close_all()
        if connection.vendor == "sqlite":
            # Not a copy of the file: what a thread wrote last may still be in the log beside it.
            with (
                closing(sqlite3.connect(self.name)) as now,
                closing(sqlite3.connect(self.copy)) as copy,
            ):
                now.backup(copy)
        else:
            self._on_the_side(f'DROP DATABASE IF EXISTS "{self.copy}"')
            self._on_the_side(f'CREATE DATABASE "{self.copy}" TEMPLATE "{self.name}"')
        return self

    def restore(self) -> None:
        if connection.vendor == "sqlite":
            for suffix in ("-wal", "-shm"):
                Path(f"{self.name}{suffix}").unlink(missing_ok=True)
            shutil.copyfile(self.copy, self.name)
        else:
            self._on_the_side(f'DROP DATABASE "{self.name}" WITH (FORCE)')
            self._on_the_side(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.copy}"')

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if connection.vendor == "sqlite":
            Path(self.copy).unlink()
        else:
            self._on_the_side(f'DROP DATABASE "{self.copy}"')

    def _on_the_side(self, statement: str) -> None:
        import psycopg

        parameters = {**connection.get_connection_params(), "dbname": "postgres"}
        for name in ("context", "cursor_factory", "prepare_threshold"):
            parameters.pop(name, None)
        with psycopg.connect(**parameters, autocommit=True) as aside:
            aside.execute(statement)
