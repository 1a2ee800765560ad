from django.db import migrations, models

from django_jobqueue.models.ids import KeepLastIds


class Migration(migrations.Migration):
    dependencies = [
        ("jobqueue", "0004_schedules"),
    ]

    operations = [
        migrations.CreateModel(
            name="LimitRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=255)),
                ("max_running", models.IntegerField(blank=True, null=True)),
                ("rate", models.CharField(blank=True, max_length=32, null=True)),
                ("rate_burst", models.IntegerField(db_default=1)),
                ("set_at", models.DateTimeField(blank=True, null=True)),
                ("next_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "limit",
                "db_table": "jobqueue_limit",
            },
        ),
        KeepLastIds(
            [
                migrations.AddField(
                    model_name="job",
                    name="blocked_by",
                    field=models.CharField(max_length=300, null=True),
                ),
                migrations.AddField(
                    model_name="job",
                    name="key_limit",
                    field=models.IntegerField(null=True),
                ),
            ]
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                models.F("blocked_by"),
                models.OrderBy(models.F("priority"), descending=True),
                models.F("ready_at"),
                models.F("id"),
                condition=models.Q(("blocked_by__isnull", False), ("state", "blocked")),
                name="jobqueue_job_blocked_by",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("concurrency_key__isnull", False)),
                fields=["concurrency_key"],
                name="jobqueue_job_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="limitrecord",
            constraint=models.UniqueConstraint(fields=("kind", "name"), name="jobqueue_limit_name"),
        ),
        migrations.AddConstraint(
            model_name="limitrecord",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["queue", "handler", "key"])),
                name="jobqueue_limit_kind",
            ),
        ),
    ]
