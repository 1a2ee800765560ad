from django.db import migrations, models

from django_jobqueue.models.fingerprints import FingerprintIndex
from django_jobqueue.models.vendors import OnPostgreSQL


# On other databases all stays what it was: SQLite would write the whole table anew.
class RemoveIndex(OnPostgreSQL, migrations.RemoveIndex):
    pass


class AddIndex(OnPostgreSQL, migrations.AddIndex):
    pass


class RemoveConstraint(OnPostgreSQL, migrations.RemoveConstraint):
    pass


class AddConstraint(OnPostgreSQL, migrations.AddConstraint):
    pass


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0015_running_since")]

    operations = [
        RemoveIndex(model_name="job", name="jobqueue_job_fingerprint"),
        AddIndex(
            model_name="job",
            index=FingerprintIndex(name="jobqueue_job_fingerprint", running_apart=True),
        ),
        RemoveConstraint(model_name="job", name="jobqueue_job_unique_key"),
        AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                fields=["unique_key"],
                condition=models.Q(unique_key__isnull=False),
                name="jobqueue_job_unique_key",
            ),
        ),
    ]
