"""What is kept on this host's disk while the database cannot be reached.

An SQLite file per database alias, apart from Django's connections. Every call opens it anew, so
that threads, forks and several processes of one host may share it. What `add` has returned from is
on the disk, whatever becomes of the process or the machine.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import msgspec

from django_jobqueue.core.errors import SpoolUnusable

#: The owner alone: a spool holds the arguments of jobs, and whoever may write there can enqueue.
FOLDER_RIGHTS, FILE_RIGHTS = 0o700, 0o600
BUSY_SECONDS = 5.0
#: Of the file's tables; another number was written by another release.
_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS entry (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    receipt TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    spooled_at TEXT NOT NULL,
    content TEXT NOT NULL,
    refused TEXT
)
"""
_COLUMNS = "receipt, kind, spooled_at, content, refused"


class Kind(StrEnum):
    """What an entry holds: the jobs of one enqueue, or the outcome of one run."""

    JOBS = "jobs"
    OUTCOME = "outcome"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry, its content as JSON text. `refused` says why it was set aside; it waits no more
    then.
    """

    receipt: UUID
    kind: Kind
    spooled_at: datetime
    content: str
    refused: str | None = None


class Spool:
    """The spool of one database alias in a directory; nothing is created before the first `add`.

    Every method raises SpoolUnusable where the disk is full, the file is damaged or may not be
    used.
    """

    def __init__(self, directory: Path, *, using: str) -> None:
        self.path = directory / f"{quote(using, safe='')}.sqlite3"

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep all of them, or none."""
        self._create()
        rows = [
            (str(one.receipt), one.kind, one.spooled_at.isoformat(), one.content, one.refused)
            for one in entries
        ]
        with self._writing() as connection:
            connection.executemany(f"INSERT INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)", rows)  # noqa: S608 - names of ours

    def waiting(self, kind: Kind, *, limit: int) -> list[Entry]:
        """Return the entries to write next, the oldest first."""
        where = "kind = ? AND refused IS NULL ORDER BY position LIMIT ?"
        return self._read(where, (kind, limit))

    def set_aside(self) -> list[Entry]:
        """Return the entries that were refused, the oldest first."""
        return self._read("refused IS NOT NULL ORDER BY position", ())

    def refuse(self, receipt: UUID, *, why: str) -> None:
        """Set one entry aside, so that it does not hold up the others."""
        self._change("UPDATE entry SET refused = ? WHERE receipt = ?", [(why, str(receipt))])

    def retry(self) -> None:
        """Let what was set aside wait again."""
        self._change("UPDATE entry SET refused = NULL", [()])

    def remove(self, receipts: Iterable[UUID]) -> None:
        """Forget entries; one that is not there any more is no error."""
        rows = [(str(receipt),) for receipt in receipts]
        self._change("DELETE FROM entry WHERE receipt = ?", rows)

    def _change(self, sql: str, rows: Sequence[Sequence[str]]) -> None:
        if rows and self._exists():
            with self._writing() as connection:
                connection.executemany(sql, rows)

    def _read(self, where: str, parameters: tuple[object, ...]) -> list[Entry]:
        if not self._exists():
            return []
        with self._opened() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM entry WHERE {where}",  # noqa: S608 - constants of ours
                parameters,
            ).fetchall()
            return [_entry_of(row) for row in rows]

    def _exists(self) -> bool:
        try:
            return self.path.exists()
        except OSError as error:
            raise SpoolUnusable(self.path, str(error)) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")  # on an error, closing rolls back

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # `rw`, not `rwc`: SQLite would create the file with rights of its own.
        address = f"{self.path.as_uri()}?mode=rw"
        try:
            with closing(
                sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
            ) as connection:
                # EXTRA is FULL, and syncs the folder once the journal is gone: a commit that was
                # answered survives the loss of power.
                connection.execute("PRAGMA synchronous = EXTRA")
                self._check_version(connection)
                yield connection
        except (sqlite3.Error, ValueError) as error:
            raise SpoolUnusable(self.path, str(error)) from error

    def _check_version(self, connection: sqlite3.Connection) -> None:
        [(version,)] = connection.execute("PRAGMA user_version")
        if version not in (0, _VERSION):
            raise SpoolUnusable(self.path, f"it has version {version}, and this release {_VERSION}")
        if version == 0:  # new, or its creation was cut short
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLES)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")

    def _create(self) -> None:
        try:
            _make_folder(self.path.parent)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            os.close(os.open(self.path, flags, FILE_RIGHTS))
        except OSError as error:
            raise SpoolUnusable(self.path, str(error)) from error


def why_unusable(directory: Path) -> str | None:
    """Return why this process could keep no spool there, or None; creates nothing."""
    try:
        if directory.is_dir():
            return None if _may_write(directory) else "this user may not write there"
        if directory.exists():
            return "it is not a directory"
        if directory.parent.is_dir() and _may_write(directory.parent):
            return None
    except OSError as error:
        return str(error)
    return "it does not exist, and cannot be created"


def others_may_write(directory: Path) -> bool:
    """Say whether users beside the owner may put files there."""
    return os.path.isdir(directory) and bool(directory.stat().st_mode & 0o022)


def _may_write(directory: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=effective)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=FOLDER_RIGHTS)
    except FileExistsError:
        return
    parent = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(parent)  # or a loss of power takes the new folder, and all that is in it
    finally:
        os.close(parent)


def _entry_of(row: tuple[str, str, str, str, str | None]) -> Entry:
    receipt, kind, spooled_at, content, refused = row
    return Entry(
        receipt=UUID(receipt),
        kind=Kind(kind),
        spooled_at=datetime.fromisoformat(spooled_at),
        content=content,
        refused=refused,
    )
