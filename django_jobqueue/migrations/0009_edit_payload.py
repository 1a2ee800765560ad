from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("jobqueue", "0008_waiters"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="job",
            options={
                "permissions": [
                    ("view_payload", "Can see the arguments, results and errors of jobs"),
                    ("edit_payload", "Can requeue jobs with other arguments"),
                    ("cancel_job", "Can cancel jobs"),
                    ("run_job", "Can run scheduled jobs now"),
                ],
                "verbose_name": "job",
            },
        ),
    ]
