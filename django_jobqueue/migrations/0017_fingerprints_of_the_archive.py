from typing import Any

from django.db import migrations

from django_jobqueue.models.fingerprints import FingerprintIndex


class OnPostgreSQL(migrations.operations.base.Operation):
    """On SQLite the index is already what it is to be."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveIndex(OnPostgreSQL, migrations.RemoveIndex):
    pass


class AddIndex(OnPostgreSQL, migrations.AddIndex):
    pass


class RunSQL(OnPostgreSQL, migrations.RunSQL):
    pass


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0016_entries_of_claims")]

    operations = [
        RemoveIndex(model_name="archivedjob", name="jobqueue_archive_fingerprint"),
        AddIndex(
            model_name="archivedjob",
            index=FingerprintIndex(name="jobqueue_archive_fingerprint", by_stretch=True),
        ),
        # A search names all stretches, but for all that PostgreSQL knows ten: with statistics of
        # them it would take a fingerprint that half of millions have for a rare one.
        RunSQL(
            "ALTER INDEX jobqueue_archive_fingerprint ALTER COLUMN 1 SET STATISTICS 0",
            migrations.RunSQL.noop,
        ),
    ]
