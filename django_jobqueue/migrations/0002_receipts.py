import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="ReceiptRecord",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "job_ids",
                    models.JSONField(db_default=models.Value([], output_field=models.JSONField())),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "verbose_name": "receipt",
                "db_table": "jobqueue_receipt",
                "indexes": [models.Index(fields=["created_at"], name="jobqueue_receipt_created")],
            },
        ),
    ]
