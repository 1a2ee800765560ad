from typing import Any

from django.db import migrations, models


class OnPostgreSQL(migrations.RunSQL):
    """Other databases have no such parameters."""

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


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0012_scheduled_by_queue")]

    operations = [
        migrations.RemoveIndex(model_name="workerrecord", name="jobqueue_worker_alive"),
        migrations.AddIndex(
            model_name="workerrecord",
            index=models.Index(
                fields=["id"],
                condition=models.Q(state="alive"),
                name="jobqueue_worker_alive",
            ),
        ),
        OnPostgreSQL(
            """
            ALTER TABLE jobqueue_job SET (
                autovacuum_vacuum_scale_factor = 0.01,
                autovacuum_vacuum_threshold = 1000,
                autovacuum_vacuum_cost_delay = 0
            )
            """,
            """
            ALTER TABLE jobqueue_job RESET (
                autovacuum_vacuum_scale_factor,
                autovacuum_vacuum_threshold,
                autovacuum_vacuum_cost_delay
            )
            """,
        ),
    ]
