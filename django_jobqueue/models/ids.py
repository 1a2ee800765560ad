"""An id is given once, whatever migrations do."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from .operations import Around

#: What ended has its id from `jobqueue_job`. Statements alone, so that `sqlmigrate` tells them.
_BEFORE = """
CREATE TEMPORARY TABLE jobqueue_last_ids AS
SELECT name, seq FROM sqlite_sequence
UNION ALL SELECT 'jobqueue_job', COALESCE(MAX(id), 0) FROM jobqueue_archivedjob
UNION ALL SELECT 'jobqueue_job', COALESCE(MAX(id), 0) FROM jobqueue_deadjob
"""
_AFTER = (
    "INSERT INTO jobqueue_last_ids SELECT name, seq FROM sqlite_sequence",
    "DELETE FROM sqlite_sequence",
    """
    INSERT INTO sqlite_sequence (name, seq)
    SELECT name, MAX(seq) FROM jobqueue_last_ids GROUP BY name
    """,
    "DROP TABLE jobqueue_last_ids",
)


class KeepLastIds(Around):
    """Operations that write a table anew on SQLite, as most do that change more than its indexes.

    That sets the counter of its ids back to the largest in it. Live jobs are few: new ones would
    get the ids of those that ended, and could not be moved to where these are.

        operations = [KeepLastIds([migrations.AddField("job", …), …])]
    """

    @contextmanager
    def around(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor) -> Iterator[bool]:
        connection = schema_editor.connection
        is_counted = connection.vendor == "sqlite" and router.allow_migrate(
            connection.alias, app_label, model_name="job"
        )
        if is_counted:
            schema_editor.execute(_BEFORE, params=None)
        yield True
        if is_counted:
            for statement in _AFTER:
                schema_editor.execute(statement, params=None)
