from django.db import migrations, models

from django_jobqueue.models.fingerprints import FingerprintIndex
from django_jobqueue.models.operations import OnVendor


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0015_running_since")]

    operations = [
        # On other databases all stays what it was: SQLite would write the whole table anew.
        OnVendor(
            "postgresql",
            [
                migrations.RemoveIndex(model_name="job", name="jobqueue_job_fingerprint"),
                migrations.AddIndex(
                    model_name="job",
                    index=FingerprintIndex(name="jobqueue_job_fingerprint", running_apart=True),
                ),
                migrations.RemoveConstraint(model_name="job", name="jobqueue_job_unique_key"),
                migrations.AddConstraint(
                    model_name="job",
                    constraint=models.UniqueConstraint(
                        fields=["unique_key"],
                        condition=models.Q(unique_key__isnull=False),
                        name="jobqueue_job_unique_key",
                    ),
                ),
            ],
        ),
    ]
