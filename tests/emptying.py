"""What a test has committed is deleted after it, from the tables that hold any.

Django's own flush empties every table and makes the rows of its apps anew; on PostgreSQL each table
and each index gets a new file. That is more work than what most tests do themselves.
"""

from functools import cache

from django.db import OperationalError, connections, transaction
from django.test import TransactionTestCase

#: Filled by migrations, and written by no test.
LASTING = frozenset({"auth_permission", "django_content_type", "django_migrations"})
#: What a killed process was amid of may hold a table and want another that is locked here already.
TRIES = 5


def empty_tables(using: str) -> None:
    """Delete all rows but those that migrations have made."""
    for left in reversed(range(TRIES)):
        try:
            _empty_tables(using)
            return
        except OperationalError as error:
            if "deadlock" not in str(error) or not left:
                raise


def _empty_tables(using: str) -> None:
    connection = connections[using]
    tables = tables_of(using)
    holding = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables
    )
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # What a killed process was amid of, its server process ends and may still commit.
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(holding)
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")


def empty_databases(case: TransactionTestCase) -> None:
    """In the place of `TransactionTestCase._fixture_teardown`, which flushes."""
    for using in case.databases:
        empty_tables(using)


@cache
def tables_of(using: str) -> tuple[str, ...]:
    found = connections[using].introspection.table_names()
    return tuple(table for table in found if table not in LASTING)
