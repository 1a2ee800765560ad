from django.db import migrations

from django_jobqueue.models.fingerprints import FingerprintIndex
from django_jobqueue.models.vendors import OnSQLite


# On other databases the index stays what it was.
class RemoveIndex(OnSQLite, migrations.RemoveIndex):
    pass


class AddIndex(OnSQLite, migrations.AddIndex):
    pass


INDEXES = (
    ("job", "jobqueue_job_fingerprint"),
    ("archivedjob", "jobqueue_archive_fingerprint"),
    ("deadjob", "jobqueue_dead_fingerprint"),
)


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0013_storage")]

    operations = [
        operation
        for model, name in INDEXES
        for operation in (
            RemoveIndex(model_name=model, name=name),
            AddIndex(model_name=model, index=FingerprintIndex(name=name)),
        )
    ]
