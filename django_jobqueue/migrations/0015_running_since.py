from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0014_fingerprints")]

    operations = [
        migrations.RemoveIndex(model_name="job", name="jobqueue_job_running"),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["worker_id", "claimed_at"],
                condition=models.Q(state="running"),
                name="jobqueue_job_running",
            ),
        ),
    ]
