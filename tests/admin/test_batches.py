import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobqueue import Batch, BatchHandle, chain
from django_jobqueue.models import ArchivedJob, BatchRecord, Job
from tests.handlers import add

from .factories import job_queries, list_url, make_archived, make_dead, make_job, page_url, shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch() -> BatchHandle:
    end = add.s(1)
    batch = Batch(on_finish=end, meta={"of": "<b>ada</b>"}).enqueue([add.s(n) for n in range(3)])
    make_job("running", batch_id=batch.id)
    make_archived(batch_id=batch.id)
    make_dead(batch_id=batch.id)
    return batch


def row_of(batch: BatchHandle) -> BatchRecord:
    return BatchRecord.objects.get(pk=batch.id)


class TestPages:
    def test_a_batch_tells_how_its_members_stand(self, admin_client, batch):
        page = admin_client.get(page_url(row_of(batch))).content.decode()

        assert "3 waiting, 1 running, 1 succeeded, 0 cancelled, 1 dead" in page
        assert "finish: tests.handlers.add" in page
        assert "&lt;b&gt;ada&lt;/b&gt;" in page

    @pytest.mark.parametrize("table", ["job", "archivedjob", "deadjob"])
    def test_its_page_leads_to_its_members_and_theirs_back(self, admin_client, batch, table):
        make_job()
        make_archived()
        make_dead()
        page = admin_client.get(page_url(row_of(batch))).content.decode()
        address = f"/admin/jobqueue/{table}/?batch_id={batch.id}"
        assert address in page

        rows = admin_client.get(address).context["cl"].result_list
        assert {row.batch_id for row in rows} == {batch.id}
        member = admin_client.get(page_url(rows[0])).content.decode()
        assert f"/admin/jobqueue/batchrecord/{batch.id}/change/" in member

    def test_the_list_tells_the_numbers_of_those_that_finished(self, admin_client, batch):
        Batch(parent=batch).enqueue([add.s(1)]).cancel()
        response = admin_client.get(list_url(BatchRecord))

        assert "0 / 1 / 0" in response.content.decode()
        assert len(shown(response)) == 2

    def test_the_list_can_be_narrowed_to_those_that_are_open(self, admin_client, batch):
        Batch().enqueue()

        assert shown(admin_client.get(list_url(BatchRecord), {"finished_at__isempty": 1})) == [
            batch.id
        ]

    def test_the_list_counts_no_members(self, admin_client, batch):
        with CaptureQueriesContext(connection) as captured:
            admin_client.get(list_url(BatchRecord))

        assert not [sql for sql in job_queries(captured) if "batch_id" in sql]

    def test_a_batch_leads_to_its_own_batches(self, admin_client, batch):
        inner = Batch(parent=batch).enqueue([add.s(1)])
        page = admin_client.get(page_url(row_of(batch))).content.decode()
        address = f"/admin/jobqueue/batchrecord/?parent_id={batch.id}"

        assert address in page
        assert shown(admin_client.get(address)) == [inner.id]

    def test_a_job_that_waits_names_the_one_before(self, admin_client):
        first, second = chain(add.s(1), add.s(2)).enqueue()
        page = admin_client.get(page_url(Job.objects.get(pk=second.id))).content.decode()

        assert f"/admin/jobqueue/job/?id={first.id}" in page

    def test_a_job_that_went_on_names_a_record(self, admin_client):
        before = make_archived()
        after = make_archived(waits_for=before.pk)
        page = admin_client.get(page_url(after)).content.decode()

        assert f"/admin/jobqueue/archivedjob/?id={before.pk}" in page


class TestActions:
    def test_cancelling_ends_what_waits_and_asks_what_runs(self, admin_client, batch):
        data = {"action": "cancel", "_selected_action": batch.id}
        page = admin_client.post(list_url(BatchRecord), data, follow=True).content.decode()

        assert "3 members cancelled, 1 asked to stop." in page
        assert ArchivedJob.objects.filter(batch_id=batch.id, state="cancelled").count() == 3

    def test_requeueing_brings_the_dead_and_the_cancelled_back(self, admin_client, batch):
        batch.cancel()
        data = {"action": "requeue", "_selected_action": batch.id}
        page = admin_client.post(list_url(BatchRecord), data, follow=True).content.decode()

        assert "4 members requeued." in page
        assert batch.snapshot.waiting == 4

    @pytest.mark.parametrize("action", ["cancel", "requeue"])
    def test_each_has_a_permission_of_its_own(self, staff, batch, action):
        other = {"cancel": "requeue", "requeue": "cancel"}[action]
        data = {"action": action, "_selected_action": batch.id}
        forbidden = staff("view_batchrecord", f"{other}_batch")
        allowed = staff("view_batchrecord", f"{action}_batch")

        before = batch.snapshot
        assert forbidden.post(list_url(BatchRecord), data).status_code == 403
        assert batch.snapshot == before
        assert allowed.post(list_url(BatchRecord), data).status_code == 302
        assert batch.snapshot != before

    def test_those_who_may_only_look_are_offered_nothing(self, staff, batch):
        page = staff("view_batchrecord").get(list_url(BatchRecord)).content.decode()

        assert 'value="cancel"' not in page
