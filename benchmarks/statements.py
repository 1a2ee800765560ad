"""The statements that a PostgreSQL server was asked, read from its log."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from django.db import connection
from psycopg import sql

from .databases import bare_postgresql
from .errors import BenchmarkFailed

#: An entry begins like this; its text goes on in lines that begin with a tab.
_ENTRY = re.compile(
    r"^(?P<at>[\d-]+ [\d:.]+) \w+ \[(?P<session>\d+)\] (?P<kind>[A-Z]+):  ", re.MULTILINE
)
_STATEMENT = re.compile(r"(?:statement|execute [^:]+): (?P<text>.*)", re.DOTALL)
_PARAMETERS = re.compile(r"[Pp]arameters: ")
_PARAMETER = re.compile(r"\$\d+ = (?:NULL|'(?P<text>(?:[^']|'')*)')")
_COMMENT = re.compile(r"--[^\n]*\n?")
_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement, when it began, in seconds since the epoch, and in which session."""

    at: float
    session: int
    text: str
    parameters: Sequence[str | None] = ()

    @property
    def is_control(self) -> bool:
        """Whether it only begins or ends a transaction."""
        return self.text.upper().startswith(_CONTROL)

    @property
    def beginning(self) -> str:
        """What it does, in one short line."""
        return " ".join(_COMMENT.sub("", self.text).split())[:60]


class StatementLog:
    """What the server has logged since this was made."""

    def __init__(self, file: Path) -> None:
        self._file, self._offset = file, file.stat().st_size

    def read(self) -> list[Statement]:
        with self._file.open("rb") as log:
            log.seek(self._offset)
            return list(statements_in(log.read().decode()))


@contextmanager
def statements_logged() -> Iterator[Path]:
    """Yield the log to which sessions write their statements that connect while the block lasts.

    BenchmarkFailed where it cannot be read.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        file = Path(cursor.fetchone()[0]) / "server.log"
        if not os.access(file, os.R_OK):
            raise BenchmarkFailed(
                "statements are counted in the server's log, which cannot be read: leave "
                "DATABASE_URL out, for a server that is started here"
            )
    name = sql.Identifier(str(connection.settings_dict["NAME"]))
    with bare_postgresql() as maintenance:
        maintenance.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(name))
    try:
        yield file
    finally:
        # A request to end may have left Django's own connection in the middle of a statement.
        with bare_postgresql() as maintenance:
            maintenance.execute(sql.SQL("ALTER DATABASE {} RESET log_statement").format(name))


def statements_in(log: str) -> Iterator[Statement]:
    """Yield the statements of this log, each with the parameters that are told after it."""
    entries = list(_ENTRY.finditer(log))
    ends = [*(entry.start() for entry in entries[1:]), len(log)]
    last: Statement | None = None
    for entry, end in zip(entries, ends, strict=False):  # a log without entries has an end, too
        told = log[entry.end() : end].replace("\n\t", "\n").strip()
        if entry["kind"] == "DETAIL":
            # It follows at once: the server writes both in one go.
            if last is not None and _PARAMETERS.match(told):
                last = replace(last, parameters=_parameters_of(told))
            continue
        if last is not None:
            yield last
        last = _statement_of(entry, told)
    if last is not None:
        yield last


def _statement_of(entry: re.Match[str], told: str) -> Statement | None:
    if entry["kind"] != "LOG" or not (found := _STATEMENT.match(told)):
        return None
    at = datetime.fromisoformat(f"{entry['at']}+00:00").timestamp()
    return Statement(at=at, session=int(entry["session"]), text=found["text"])


def _parameters_of(told: str) -> tuple[str | None, ...]:
    texts = (found["text"] for found in _PARAMETER.finditer(told))
    return tuple(text if text is None else text.replace("''", "'") for text in texts)
