"""The pages on other sites than the default one, subclassed and left out."""

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.sites import site as default_site
from django.test import override_settings
from django.urls import include, path

from django_jobqueue.admin import DeadJobAdmin, JobAdmin, QueueAdmin, WorkerAdmin
from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

from .factories import make_dead, make_job, make_queue, make_worker

pytestmark = pytest.mark.django_db


class MailJobAdmin(JobAdmin):
    """Sees one queue only, and adds a column and a filter of its own."""

    list_display = ("id", "handler_name", "worker", "fingerprint")
    list_filter = ("state", "attempt")

    def get_queryset(self, request):
        return super().get_queryset(request).filter(queue="mail")


site = AdminSite(name="operations")
site.register(Job, MailJobAdmin)
site.register(DeadJob, DeadJobAdmin)
queue_site = AdminSite(name="queues")
queue_site.register(QueueRecord, QueueAdmin)
queue_site.register(WorkerRecord, WorkerAdmin)
plain_site = AdminSite(name="plain")
plain_site.register(Job)

urlpatterns = [
    path("operations/", site.urls),
    path("queues/", queue_site.urls),
    path("plain/", plain_site.urls),
    path("django/", include([path("admin/", admin.site.urls)])),
]
JOBS = "/operations/jobqueue/job/"


@pytest.fixture(autouse=True)
def own_urls():
    with override_settings(ROOT_URLCONF=__name__):
        yield


def test_all_five_are_on_the_default_site():
    for model in (Job, ArchivedJob, DeadJob, QueueRecord, WorkerRecord):
        assert default_site.is_registered(model)


def test_links_and_buttons_stay_on_the_site_they_are_on(admin_client):
    job = make_job(queue="mail")
    page = admin_client.get(f"{JOBS}{job.pk}/change/").content.decode()

    assert f'action="{JOBS}"' in page
    assert "/django/admin/" not in page


def test_a_table_that_the_site_leaves_out_is_not_linked(admin_client):
    job = make_job("running", queue="mail", requeued_from=77)
    page = admin_client.get(f"{JOBS}{job.pk}/change/").content.decode()

    assert str(job.worker_id) in page
    assert "workerrecord" not in page
    assert "archivedjob" not in page


@pytest.mark.parametrize(
    ("make", "table"), [(make_queue, "queuerecord"), (make_worker, "workerrecord")]
)
def test_no_page_leads_to_jobs_where_the_site_has_none(admin_client, make, table):
    response = admin_client.get(f"/queues/jobqueue/{table}/{make().pk}/change/")

    assert response.status_code == 200
    assert "jobqueue/job/" not in response.content.decode()


def test_a_subclass_filters_by_what_it_offers(admin_client):
    job = make_job(queue="mail", attempt=2)
    make_job(queue="mail")
    [found] = admin_client.get(JOBS, {"attempt": "2"}).context["cl"].result_list

    assert found == job


def test_actions_reach_no_further_than_a_narrowed_queryset(admin_client):
    mine, other = make_job(queue="mail"), make_job(queue="other")
    admin_client.post(JOBS, {"action": "cancel", "_selected_action": [mine.pk, other.pk]})

    assert [job.pk for job in Job.objects.all()] == [other.pk]


def test_a_confirmation_leads_back_to_the_site_it_was_asked_on(admin_client):
    letter = make_dead()
    address = "/operations/jobqueue/deadjob/"
    page = admin_client.post(address, {"action": "discard", "_selected_action": letter.pk})

    assert f'href="{address}"' in page.content.decode()
    assert "/django/admin/" not in page.content.decode()


def test_a_plain_admin_of_somebody_elses_works_with_our_templates(admin_client):
    job = make_job()

    page = admin_client.get("/plain/jobqueue/job/").content.decode()
    assert "1 job" in page
    assert admin_client.get(f"/plain/jobqueue/job/{job.pk}/change/").status_code == 200
