from django.db import migrations

from django_jobqueue.models.fingerprints import FingerprintIndex
from django_jobqueue.models.operations import OnVendor

INDEXES = (
    ("job", "jobqueue_job_fingerprint"),
    ("archivedjob", "jobqueue_archive_fingerprint"),
    ("deadjob", "jobqueue_dead_fingerprint"),
)


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0013_storage")]

    operations = [
        # On other databases the index stays what it was.
        OnVendor(
            "sqlite",
            [
                operation
                for model, name in INDEXES
                for operation in (
                    migrations.RemoveIndex(model_name=model, name=name),
                    migrations.AddIndex(model_name=model, index=FingerprintIndex(name=name)),
                )
            ],
        ),
    ]
