import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobqueue", "0005_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("action", models.CharField(max_length=32)),
                ("actor", models.CharField(max_length=255)),
                ("why", models.TextField(db_default="")),
                ("subject", models.CharField(db_default="", max_length=300)),
                ("queue", models.CharField(max_length=128, null=True)),
                (
                    "asked",
                    models.JSONField(db_default=models.Value({}, output_field=models.JSONField())),
                ),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("count", models.BigIntegerField(db_default=1)),
                (
                    "job_ids",
                    models.JSONField(db_default=models.Value([], output_field=models.JSONField())),
                ),
            ],
            options={
                "verbose_name": "audit record",
                "db_table": "jobqueue_audit",
                "indexes": [
                    models.Index(fields=["at"], name="jobqueue_audit_at"),
                    models.Index(fields=["queue", "id"], name="jobqueue_audit_queue"),
                    models.Index(fields=["subject", "id"], name="jobqueue_audit_subject"),
                ],
            },
        ),
    ]
