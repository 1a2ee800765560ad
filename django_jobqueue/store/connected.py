"""What every part of a store needs of its database: connection, statements, transaction, time."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now

from django_jobqueue.models import Job

from . import sql
from .base import JobStore

Row = tuple[Any, ...]


class ConnectedStore(JobStore):
    """A store on the Django connection of the calling thread."""

    vendor: str  #: of the database, as its connections have it, without asking for one

    @property
    def connection(self) -> BaseDatabaseWrapper:
        return connections[self.using]

    def reach(self) -> None:
        self.connection.ensure_connection()

    def writing(self) -> AbstractContextManager[object]:
        """Open a transaction that will write, or a savepoint in the one that is open."""
        return transaction.atomic(using=self.using)

    def one_write(self) -> AbstractContextManager[object]:
        """Surround statements that are each whole by itself, and need no transaction."""
        return nullcontext()

    def statement(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """Run the vendor's statement of that name; return its rows, if it has any to give."""
        return self.execute(sql.load(self.vendor, name), parameters)

    @abstractmethod
    def run(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """Run the vendor's statement of that name on the connection that claims."""

    @abstractmethod
    def claiming(self) -> AbstractContextManager[object]:
        """Open a transaction on that connection."""

    def execute(self, text: str, parameters: Any) -> list[Row]:
        with self.connection.cursor() as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall() if cursor.description else []

    def write_alone(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement that is whole by itself, and return its rows.

        It is a transaction of its own, or part of the caller's: there is no savepoint, so a
        statement that fails spoils the caller's as any other of theirs would.
        """
        return self.rows(text, parameters)

    def rows(self, text: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Run a statement that has rows to give, and return them."""
        with self.connection.cursor() as cursor:
            cursor.execute(text, parameters)
            # Not asked for first: psycopg makes a description of every column to say whether.
            rows: list[Row] = cursor.fetchall()
            return rows

    def database_now(self) -> datetime:
        compiler = Job.objects.using(self.using).query.get_compiler(self.using)
        expression, parameters = compiler.compile(Now())
        [(moment,)] = self.execute(f"SELECT {expression}", parameters)
        return self.aware(moment)

    def aware(self, moment: datetime | str) -> datetime:
        """Return what the database gave as aware UTC: it may be a text, or naive."""
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if moment.tzinfo is None:
            # A database that knows zones answers in the connection's; elsewhere all is UTC.
            knows_zones = self.connection.features.supports_timezones
            zone = ZoneInfo(self.connection.timezone_name) if knows_zones else UTC
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)

    def aware_or_none(self, moment: datetime | str | None) -> datetime | None:
        return None if moment is None else self.aware(moment)

    def storable_time(self, moment: datetime) -> datetime:
        """Return an aware time as the ORM takes it: on SQLite, with USE_TZ=False, naive."""
        connection = self.connection
        if connection.timezone is None and not connection.features.supports_timezones:
            return moment.astimezone(UTC).replace(tzinfo=None)
        return moment

    def time_text(self, moment: datetime) -> str:
        """Return an aware time as text that this database's statements compare and store."""
        return moment.isoformat()
