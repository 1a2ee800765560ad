"""The most jobs that were ever leased at once, as a trigger of the database has counted them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

#: Counted at the commit, under a lock that is held until it is over: of two commits the later one
#: counts what the earlier one has leased.
_POSTGRESQL = (
    "CREATE TABLE acceptance_leased (most integer NOT NULL)",
    "INSERT INTO acceptance_leased VALUES (0)",
    """
    CREATE FUNCTION acceptance_count_leased() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(7041);
        UPDATE acceptance_leased
        SET most = greatest(most, (SELECT count(*) FROM jobqueue_job WHERE state = 'running'));
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER acceptance_leased AFTER UPDATE ON jobqueue_job
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'running')
    EXECUTE FUNCTION acceptance_count_leased()
    """,
)
_SQLITE = (
    "CREATE TABLE acceptance_leased (most integer NOT NULL)",
    "INSERT INTO acceptance_leased VALUES (0)",
    """
    CREATE TRIGGER acceptance_count_leased AFTER UPDATE ON jobqueue_job
    WHEN NEW.state = 'running'
    BEGIN
        UPDATE acceptance_leased
        SET most = max(most, (SELECT count(*) FROM jobqueue_job WHERE state = 'running'));
    END
    """,
)
_ENDS = {
    "postgresql": (
        "DROP TRIGGER acceptance_leased ON jobqueue_job",
        "DROP FUNCTION acceptance_count_leased",
        "DROP TABLE acceptance_leased",
    ),
    "sqlite": ("DROP TRIGGER acceptance_count_leased", "DROP TABLE acceptance_leased"),
}


@contextmanager
def counting_leases() -> Iterator[None]:
    """Count for as long as the block lasts; no worker may be left at its end."""
    _execute(_POSTGRESQL if connection.vendor == "postgresql" else _SQLITE)
    try:
        yield
    finally:
        _execute(_ENDS[connection.vendor])


def most_leased() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT most FROM acceptance_leased")
        [(most,)] = cursor.fetchall()
    return int(most)


def _execute(statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
