from django.db import migrations

from django_jobqueue.models.fingerprints import FingerprintIndex
from django_jobqueue.models.operations import OnVendor


class Migration(migrations.Migration):
    dependencies = [("jobqueue", "0016_entries_of_claims")]

    operations = [
        # On SQLite the index is already what it is to be.
        OnVendor(
            "postgresql",
            [
                migrations.RemoveIndex(
                    model_name="archivedjob", name="jobqueue_archive_fingerprint"
                ),
                migrations.AddIndex(
                    model_name="archivedjob",
                    index=FingerprintIndex(name="jobqueue_archive_fingerprint", by_stretch=True),
                ),
                # A search names all stretches, but for all that PostgreSQL knows ten: with
                # statistics of them it would take a fingerprint that half of millions have for a
                # rare one.
                migrations.RunSQL(
                    "ALTER INDEX jobqueue_archive_fingerprint ALTER COLUMN 1 SET STATISTICS 0",
                    migrations.RunSQL.noop,
                    hints={"model_name": "archivedjob"},
                ),
            ],
        ),
    ]
