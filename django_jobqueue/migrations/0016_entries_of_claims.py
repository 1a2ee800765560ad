from typing import Any

from django.db import migrations, models

from django_jobqueue.models.fingerprints import FingerprintIndex


class OnPostgreSQL(migrations.operations.base.Operation):
    """On other databases all stays what it was: SQLite would write the whole table anew."""

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


class RemoveConstraint(OnPostgreSQL, migrations.RemoveConstraint):
    pass


class AddConstraint(OnPostgreSQL, migrations.AddConstraint):
    pass


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0015_running_since")]

    operations = [
        RemoveIndex(model_name="job", name="jobqueue_job_fingerprint"),
        AddIndex(
            model_name="job",
            index=FingerprintIndex(name="jobqueue_job_fingerprint", running_apart=True),
        ),
        RemoveConstraint(model_name="job", name="jobqueue_job_unique_key"),
        AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                fields=["unique_key"],
                condition=models.Q(unique_key__isnull=False),
                name="jobqueue_job_unique_key",
            ),
        ),
    ]
