"""However many actions were recorded, looking at those of one thing reads few of them."""

from datetime import timedelta

import pytest
from django.db import connection

from django_jobqueue.core.specs import Retention
from django_jobqueue.models import AuditRecord
from django_jobqueue.store import store_for
from tests.history import ROWS, cost_of, without

from .factories import list_url, shown

pytestmark = pytest.mark.django_db

#: Besides its rows a list reads the values of the newest 500 rows, once for each of three filters.
FEW = {"postgresql": 4_000, "sqlite": 300}
_CENTURY = timedelta(days=36_500)
_NUMBERS = (
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < %s) "
)
#: The first three are about things that nobody has touched since.
_AUDITS = f"""
INSERT INTO jobqueue_audit (action, actor, queue, subject) {_NUMBERS}
SELECT 'queue.pause', 'ada', CASE WHEN n <= 3 THEN 'quiet' ELSE 'busy' END,
    CASE WHEN n <= 3 THEN 'quiet' ELSE 'busy' END
FROM numbers
"""


@pytest.fixture(autouse=True)
def _many_records(db):
    with connection.cursor() as cursor:
        cursor.execute(_AUDITS, [ROWS])
        cursor.execute("ANALYZE")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"queue": "quiet"}, "jobqueue_audit_queue"),
        ({"subject": "quiet"}, "jobqueue_audit_subject"),
    ],
)
def test_a_list_of_one_thing_reads_few_records_and_would_read_all_without_its_index(
    admin_client, query, index
):
    def look():
        response = admin_client.get(list_url(AuditRecord), query)
        assert len(shown(response)) == 3

    look()  # permissions and content types are remembered from here on
    few = FEW[connection.vendor]
    assert cost_of(look) <= few
    with without(index):
        assert cost_of(look) > few


def test_retention_finds_what_is_old_by_its_index():
    store, few = store_for("default"), FEW[connection.vendor]
    retention = Retention(archive=_CENTURY, dead=_CENTURY)

    def look():
        assert store.prune(retention, dry_run=True).audits == 0

    assert cost_of(look) <= few
    with without("jobqueue_audit_at"):
        assert cost_of(look) > few
