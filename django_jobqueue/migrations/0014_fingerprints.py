from typing import Any

from django.db import migrations

from django_jobqueue.models.fingerprints import FingerprintIndex


class OnSQLite(migrations.operations.base.Operation):
    """On other databases the index stays what it was."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "sqlite":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "sqlite":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveIndex(OnSQLite, migrations.RemoveIndex):
    pass


class AddIndex(OnSQLite, migrations.AddIndex):
    pass


INDEXES = (
    ("job", "jobqueue_job_fingerprint"),
    ("archivedjob", "jobqueue_archive_fingerprint"),
    ("deadjob", "jobqueue_dead_fingerprint"),
)


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0013_storage")]

    operations = [
        operation
        for model, name in INDEXES
        for operation in (
            RemoveIndex(model_name=model, name=name),
            AddIndex(model_name=model, index=FingerprintIndex(name=name)),
        )
    ]
