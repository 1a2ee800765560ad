from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0010_batches")]

    operations = [
        migrations.AlterModelOptions(
            name="queuerecord",
            options={
                "permissions": [
                    ("pause_queue", "Can pause and resume queues"),
                    ("configure_queue", "Can set the limits of queues"),
                ],
                "verbose_name": "queue",
            },
        )
    ]
