from django.db import migrations

from django_jobqueue.models.fingerprints import FingerprintIndex
from django_jobqueue.models.vendors import OnPostgreSQL


# On SQLite the index is already what it is to be.
class RemoveIndex(OnPostgreSQL, migrations.RemoveIndex):
    pass


class AddIndex(OnPostgreSQL, migrations.AddIndex):
    pass


class RunSQL(OnPostgreSQL, migrations.RunSQL):
    pass


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0016_entries_of_claims")]

    operations = [
        RemoveIndex(model_name="archivedjob", name="jobqueue_archive_fingerprint"),
        AddIndex(
            model_name="archivedjob",
            index=FingerprintIndex(name="jobqueue_archive_fingerprint", by_stretch=True),
        ),
        # A search names all stretches, but for all that PostgreSQL knows ten: with statistics of
        # them it would take a fingerprint that half of millions have for a rare one.
        RunSQL(
            "ALTER INDEX jobqueue_archive_fingerprint ALTER COLUMN 1 SET STATISTICS 0",
            migrations.RunSQL.noop,
            hints={"model_name": "archivedjob"},
        ),
    ]
