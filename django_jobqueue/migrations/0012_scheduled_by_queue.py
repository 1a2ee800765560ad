from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0011_configure_queue")]

    operations = [
        migrations.RemoveIndex(model_name="job", name="jobqueue_job_scheduled_queue"),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["queue", "run_at", "id"],
                condition=models.Q(state="scheduled"),
                name="jobqueue_job_scheduled_queue",
            ),
        ),
    ]
