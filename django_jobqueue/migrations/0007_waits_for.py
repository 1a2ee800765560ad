from django.db import migrations, models

from django_jobqueue.models.ids import KeepLastIds


class Migration(migrations.Migration):
    dependencies = [
        ("jobqueue", "0006_audit"),
    ]

    operations = [
        KeepLastIds(
            [
                migrations.AddField(
                    model_name="job",
                    name="has_next",
                    field=models.BooleanField(db_default=False),
                ),
                migrations.AddField(
                    model_name="job",
                    name="on_failure",
                    field=models.CharField(db_default="cancel", max_length=8),
                ),
                migrations.AddField(
                    model_name="job",
                    name="result_as",
                    field=models.CharField(max_length=255, null=True),
                ),
            ]
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(
                    ("blocked_by__isnull", True), ("state", "blocked"), ("waits_for__isnull", False)
                ),
                fields=["waits_for"],
                name="jobqueue_job_waits_for",
            ),
        ),
    ]
