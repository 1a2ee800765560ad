from django.db import migrations, models

from django_jobqueue.models.operations import OnVendor


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
        # Other databases have no such parameters.
        OnVendor(
            "postgresql",
            [
                migrations.RunSQL(
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
                    hints={"model_name": "job"},
                ),
            ],
        ),
    ]
