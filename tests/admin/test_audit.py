"""Who did what, as the admin shows it."""

import re
from html import unescape

import pytest

from django_jobqueue import Queue, Schedule, Template, acting_as, cancel, requeue_edited
from django_jobqueue.jobs import control
from django_jobqueue.models import AuditRecord, JobTemplate, QueueRecord
from django_jobqueue.models import Schedule as ScheduleRecord
from django_jobqueue.store import store_for
from tests.handlers import add
from tests.store.helpers import register_worker

from .factories import list_url, make_dead, make_job, page_url, shown

pytestmark = pytest.mark.django_db


def audited(**fields):
    return AuditRecord.objects.get(**fields)


def test_the_list_tells_who_did_what_and_why_the_latest_first(staff):
    with acting_as("ada", why="INC-7"):
        Queue("mail").pause()
    with acting_as("grace"):
        Queue("mail").resume()

    response = staff("view_auditrecord").get(list_url(AuditRecord))

    paused, resumed = AuditRecord.objects.order_by("id")
    assert shown(response) == [resumed.pk, paused.pk]
    page = response.content.decode()
    for told in ("ada", "queue.pause", "mail", "INC-7", "grace"):
        assert told in page


@pytest.mark.parametrize(
    "query", [{"actor": "ada"}, {"action": "queue.pause"}, {"queue": "mail"}, {"subject": "mail"}]
)
def test_the_list_is_narrowed(staff, query):
    with acting_as("ada"):
        Queue("mail").pause()
    with acting_as("grace"):
        Queue("other").configure(max_running=3)

    response = staff("view_auditrecord").get(list_url(AuditRecord), query)

    assert shown(response) == [audited(actor="ada").pk]


class TestNamedJob:
    def test_every_action_that_names_a_job_is_found_by_it(self, staff):
        jobs = [make_job() for _ in range(3)]
        cancel(jobs[0].pk)
        cancel(jobs[1].pk, jobs[2].pk)

        response = staff("view_auditrecord").get(list_url(AuditRecord), {"job": str(jobs[2].pk)})

        assert shown(response) == [audited(count=2).pk]

    @pytest.mark.parametrize("job", ["", "x", "-1", "0", "²", "9" * 30, "1' OR 1=1"])
    def test_what_is_no_id_finds_nothing(self, staff, job):
        cancel(make_job().pk)

        response = staff("view_auditrecord").get(list_url(AuditRecord), {"job": job})

        assert response.status_code == 200
        assert shown(response) == []


class TestLinks:
    def linked(self, client, address):
        """The keys on the list page that this page links to."""
        page = client.get(address).content.decode()
        [target] = re.findall(r'href="([^"]*auditrecord/\?[^"]*)"', page)
        return shown(client.get(unescape(target)))

    @pytest.fixture
    def client(self, admin_client):
        Queue("unrelated").pause()
        return admin_client

    def test_a_job_leads_to_what_was_done_to_it(self, client):
        letter = make_dead(queue="mail", handler="tests.handlers.add")
        requeue_edited(letter.pk, 1)
        record = audited(action="job.edit")

        assert self.linked(client, f"/admin/jobqueue/job/{letter.pk}/change/") == [record.pk]

    def test_a_queue_leads_to_what_was_done_to_it(self, client):
        Queue("mail").pause()
        row = QueueRecord.objects.get(name="mail")

        assert self.linked(client, page_url(row)) == [audited(queue="mail").pk]

    def test_a_worker_leads_to_what_was_done_to_it(self, client):
        worker = register_worker(store_for("default"))
        control.stop_worker(worker)
        page = f"/admin/jobqueue/workerrecord/{worker}/change/"

        assert self.linked(client, page) == [audited(action="worker.stop").pk]

    def test_a_schedule_and_a_template_of_one_name_lead_each_to_its_own(self, client):
        add.using(every=60, schedule="nightly").enqueue(1)
        Schedule("nightly").pause()
        Template("nightly").save(add, 1)
        of_schedule = AuditRecord.objects.filter(action__startswith="schedule.").order_by("-id")

        schedule, template = ScheduleRecord.objects.get(), JobTemplate.objects.get()
        assert self.linked(client, page_url(schedule)) == [one.pk for one in of_schedule]
        assert self.linked(client, page_url(template)) == [audited(action="template.save").pk]


class TestPages:
    def test_a_page_tells_what_was_changed_and_to_which_jobs(self, staff):
        jobs = [make_job(queue="mail") for _ in range(2)]
        Queue("mail").cancel(reason="moved house")

        page = staff("view_auditrecord").get(page_url(audited())).content.decode()

        assert ", ".join(str(job.pk) for job in jobs) in page
        assert "moved house" in page
        assert "&quot;queue&quot;: &quot;mail&quot;" in page

    def test_a_record_that_names_only_the_first_jobs_says_so(self, staff):
        record = AuditRecord.objects.create(action="job.cancel", actor="ada", job_ids=[7], count=3)

        page = staff("view_auditrecord").get(page_url(record)).content.decode()

        assert "7 and 2 more" in page

    def test_arguments_are_shown_only_to_those_who_may_see_them(self, staff):
        letter = make_dead(
            handler="tests.handlers.add", payload={"args": ["swordfish"], "kwargs": {}}
        )
        requeue_edited(letter.pk, 4711)
        address = page_url(audited())

        hidden = staff("view_auditrecord").get(address).content.decode()
        told = staff("view_auditrecord", "view_payload").get(address).content.decode()

        assert "swordfish" not in hidden
        assert "4711" not in hidden
        assert "hidden" in hidden
        assert "swordfish" in told
        assert "4711" in told

    def test_nobody_without_the_permission_sees_any(self, staff):
        Queue("mail").pause()

        client = staff()

        assert client.get(list_url(AuditRecord)).status_code == 403
        assert client.get(page_url(audited())).status_code == 403

    def test_nobody_changes_a_record(self, admin_client):
        Queue("mail").pause()
        before = AuditRecord.objects.values().get()

        assert admin_client.post(page_url(audited()), {"actor": "eve"}).status_code == 403
        assert admin_client.post(page_url(audited(), "delete"), {"post": "yes"}).status_code == 403
        assert AuditRecord.objects.values().get() == before

    def test_what_a_record_says_is_no_markup(self, admin_client):
        tag = "<script>alert(1)</script>"
        record = AuditRecord.objects.create(
            action=tag[:32],
            actor=tag,
            why=tag,
            subject=tag,
            queue=tag,
            asked={"tag": tag},
            before={tag: tag},
            after={tag: tag},
            job_ids=[tag],
        )

        for address in (list_url(AuditRecord), page_url(record)):
            page = admin_client.get(address).content.decode()
            assert "<script>alert" not in page
            assert "&lt;script&gt;alert" in page


def test_a_dead_letter_page_has_the_link_too(admin_client):
    letter = make_dead()

    page = admin_client.get(page_url(letter)).content.decode()

    assert f"auditrecord/?job={letter.pk}" in page
