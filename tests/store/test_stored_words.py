"""Names that other releases, or those who watch the database, know: each stays as it is."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from uuid import UUID

import pytest

from django_jobqueue.store import postgresql, schedules, sessions, watching
from django_jobqueue.store.resolver import SUPPORTED_VENDORS
from django_jobqueue.store.spool import Entry, Kind, Spool

RECEIPT = UUID(int=7)
MOMENT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_wake_ups_of_another_release_are_heard():
    assert postgresql.CHANNEL == "django_jobqueue"
    assert watching.WAITERS_CHANNEL == "django_jobqueue_waiters"


def test_an_operator_knows_the_connections_of_a_worker_by_name():
    assert sessions.APPLICATION_NAME == "django_jobqueue"


def test_a_schedule_that_another_release_found_undeclared_is_known_as_such():
    assert schedules.NOT_DECLARED == "no longer declared"


def test_jobs_are_kept_in_these_databases():
    assert SUPPORTED_VENDORS == ("postgresql", "sqlite")


@pytest.mark.parametrize(("kind", "word"), [(Kind.JOBS, "jobs"), (Kind.OUTCOME, "outcome")])
def test_a_spool_is_read_by_the_release_that_comes_after_the_one_which_wrote_it(
    tmp_path, kind: Kind, word: str
):
    spool = Spool(tmp_path, using="default")
    entry = Entry(receipt=RECEIPT, kind=kind, spooled_at=MOMENT, content="[]")
    spool.add([entry])

    with closing(sqlite3.connect(spool.path)) as connection:
        names = [name for _, name, *_ in connection.execute("PRAGMA table_info(entry)")]
        [row] = connection.execute("SELECT * FROM entry")
        [(version,)] = connection.execute("PRAGMA user_version")

    assert dict(zip(names, row, strict=True)) == {
        "position": 1,
        "receipt": str(RECEIPT),
        "kind": word,
        "spooled_at": "2026-01-01T12:00:00+00:00",
        "content": "[]",
        "refused": None,
    }
    assert version == 1
