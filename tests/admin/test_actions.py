import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db.models.functions import Now

from django_jobqueue.models import (
    ArchivedJob,
    AttemptRecord,
    AuditRecord,
    DeadJob,
    Job,
    QueueRecord,
    WorkerRecord,
)

from .factories import (
    list_url,
    make_archived,
    make_attempt,
    make_dead,
    make_job,
    make_queue,
    make_worker,
    page_url,
)

# Requeueing and cancelling lock rows and wake workers after the commit.
pytestmark = pytest.mark.django_db


def post(client, model, action, *rows, **data):
    """Tick the rows and press the button; rows may be ids of what is gone."""
    keys = [getattr(row, "pk", row) for row in rows]
    return client.post(list_url(model), {"action": action, "_selected_action": keys, **data})


def answer(client, model, action, *rows, **data) -> tuple[str, str]:
    response = post(client, model, action, *rows, **data)
    assert response.status_code == 302, response.content.decode()
    *_, message = get_messages(response.wsgi_request)
    return message.level_tag, str(message)


class TestCancel:
    def test_it_counts_what_was_cancelled_asked_and_too_late(self, admin_client):
        waiting = [make_job(), make_job("scheduled"), make_job("blocked")]
        running, finished = make_job("running"), make_archived()

        told = answer(admin_client, Job, "cancel", *waiting, running, finished, 77)

        assert told == (
            "success",
            "3 cancelled, 1 running job asked to stop, 2 had already finished.",
        )
        assert [job.pk for job in Job.objects.all()] == [running.pk]
        assert Job.objects.get().cancel_requested_at is not None
        assert ArchivedJob.objects.filter(state="cancelled").count() == 3

    def test_it_records_who_asked(self, admin_client, admin_user):
        job = make_job()
        answer(admin_client, Job, "cancel", job)

        assert "by admin" in ArchivedJob.objects.get().error["message"]
        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_id) == (admin_user, str(job.pk))
        assert entry.get_change_message() == "Asked to cancel."

    def test_the_audit_record_names_the_user(self, admin_client):
        job = make_job()
        answer(admin_client, Job, "cancel", job)

        record = AuditRecord.objects.get()
        assert (record.actor, record.action, record.job_ids) == ("admin", "job.cancel", [job.pk])

    def test_a_stale_selection_changes_nothing_and_says_so(self, admin_client):
        finished = make_archived()
        before = ArchivedJob.objects.values().get()

        assert answer(admin_client, Job, "cancel", finished) == (
            "warning",
            "0 cancelled, 1 had already finished.",
        )
        assert ArchivedJob.objects.values().get() == before
        assert not LogEntry.objects.exists()

    def test_a_job_that_left_the_filtered_list_meanwhile_is_still_meant(self, admin_client):
        job = make_job("running")
        response = admin_client.post(
            list_url(Job) + "?state__exact=ready", {"action": "cancel", "_selected_action": job.pk}
        )

        assert response.status_code == 302
        assert Job.objects.get().cancel_requested_at is not None

    def test_only_what_is_ticked_is_meant_even_across_pages(self, admin_client):
        ticked, other = make_job(), make_job()
        answer(admin_client, Job, "cancel", ticked, select_across="1", index="0")

        assert Job.objects.get() == other

    def test_the_button_on_the_page_of_a_job_does_the_same(self, admin_client):
        job = make_job()
        page = admin_client.get(page_url(job)).content.decode()

        assert f'action="{list_url(Job)}"' in page
        assert f'name="_selected_action" value="{job.pk}"' in page

    def test_nothing_ticked_is_told(self, admin_client):
        make_job()
        response = admin_client.post(list_url(Job), {"action": "cancel", "index": 0}, follow=True)

        assert "Items must be selected" in response.content.decode()
        assert Job.objects.count() == 1


class TestRunNow:
    def test_scheduled_jobs_become_ready(self, admin_client):
        jobs = [make_job("scheduled"), make_job("scheduled"), make_job("ready")]

        assert answer(admin_client, Job, "run_now", *jobs) == (
            "success",
            "2 made ready, 1 was not scheduled.",
        )
        assert set(Job.objects.values_list("state", flat=True)) == {"ready"}

    def test_a_job_that_runs_already_is_left_alone(self, admin_client):
        running = make_job("running")

        assert answer(admin_client, Job, "run_now", running)[0] == "warning"
        assert Job.objects.get().claim_token == running.claim_token


class TestRequeue:
    def test_dead_letters_live_again_under_their_id(self, admin_client):
        letters = [make_dead(), make_dead()]

        assert answer(admin_client, DeadJob, "requeue", *letters, 77) == (
            "success",
            "2 requeued, 1 was no longer here.",
        )
        assert {job.pk for job in Job.objects.all()} == {letter.pk for letter in letters}
        assert not DeadJob.objects.exists()

    def test_archived_jobs_are_copied(self, admin_client):
        archived = [make_archived(), make_archived("cancelled")]

        assert answer(admin_client, ArchivedJob, "requeue", *archived) == (
            "success",
            "2 requeued.",
        )
        assert ArchivedJob.objects.count() == 2
        assert {job.requeued_from for job in Job.objects.all()} == {job.pk for job in archived}

    @pytest.mark.parametrize(
        ("model", "make"), [(DeadJob, make_dead), (ArchivedJob, make_archived)]
    )
    def test_a_taken_unique_key_is_named(self, admin_client, model, make):
        make_job(unique_key="taken")
        refused, fine = make(unique_key="taken"), make()

        assert answer(admin_client, model, "requeue", refused, fine) == (
            "success",
            f"1 requeued, refused because another live job holds the unique key: {refused.pk}.",
        )
        assert answer(admin_client, model, "requeue", refused) == (
            "warning",
            f"0 requeued, refused because another live job holds the unique key: {refused.pk}.",
        )

    def test_what_is_no_longer_dead_is_left_alone(self, admin_client):
        job = make_job()

        assert answer(admin_client, DeadJob, "requeue", job) == (
            "warning",
            "0 requeued, 1 was no longer here.",
        )
        assert Job.objects.get() == job


class TestDiscard:
    def test_it_asks_first_with_the_count(self, admin_client):
        letters = [make_dead(), make_dead()]
        response = post(admin_client, DeadJob, "discard", *letters)
        page = response.content.decode()

        assert "2 dead letters and their attempts will be deleted for good." in page
        for letter in letters:
            assert f'name="_selected_action" value="{letter.pk}"' in page
        assert DeadJob.objects.count() == 2

    def test_it_deletes_once_confirmed(self, admin_client):
        letter, other = make_dead(), make_dead()
        make_attempt(letter)
        kept = make_attempt(other)

        assert answer(admin_client, DeadJob, "discard", letter, 77, confirmed="yes") == (
            "success",
            "1 discarded, 1 was no longer here.",
        )
        assert DeadJob.objects.get() == other
        assert AttemptRecord.objects.get() == kept

    def test_nothing_left_to_discard_is_told_without_asking(self, admin_client):
        assert answer(admin_client, DeadJob, "discard", 77) == (
            "warning",
            "0 discarded, 1 was no longer here.",
        )

    def test_a_job_that_was_requeued_meanwhile_survives(self, admin_client):
        job = make_job()
        answer(admin_client, DeadJob, "discard", job, confirmed="yes")

        assert Job.objects.get() == job


class TestQueues:
    def test_pausing_asks_why_and_until_when(self, admin_client):
        page = post(admin_client, QueueRecord, "pause", make_queue()).content.decode()

        assert 'name="reason"' in page
        assert 'name="until"' in page
        assert QueueRecord.objects.get().paused_at is None

    def test_a_pause_has_its_reason_and_its_end(self, admin_client):
        told = answer(
            admin_client,
            QueueRecord,
            "pause",
            make_queue(),
            confirmed="yes",
            reason="deploy",
            until="2999-01-01T08:30",
        )
        queue = QueueRecord.objects.get()

        assert told == ("success", "1 queue paused.")
        assert queue.paused_at is not None
        assert queue.pause_reason == "deploy"
        assert queue.paused_until.isoformat() == "2999-01-01T08:30:00+00:00"

    def test_a_time_that_is_none_is_asked_again(self, admin_client):
        queue = make_queue()
        response = post(
            admin_client, QueueRecord, "pause", queue, confirmed="yes", until="tomorrow"
        )

        assert "Enter a valid date/time." in response.content.decode()
        assert QueueRecord.objects.get().paused_at is None

    def test_a_queue_that_cannot_be_named_is_refused_and_the_others_paused(self, admin_client):
        told = answer(
            admin_client,
            QueueRecord,
            "pause",
            make_queue("email"),
            make_queue("a\x1bb"),
            confirmed="yes",
        )

        assert told[0] == "success"
        assert "1 queue paused" in told[1]
        assert "control characters" in told[1]

    def test_resuming_counts_those_that_were_not_paused(self, admin_client):
        paused = make_queue("email", paused_at=Now(), pause_reason="deploy")

        assert answer(
            admin_client, QueueRecord, "resume", paused, make_queue("reports"), "gone"
        ) == ("success", "1 queue resumed, 1 was not paused, 1 was no longer here.")
        assert QueueRecord.objects.get(name="email").paused_at is None


class TestWorkers:
    def test_living_workers_are_asked_and_others_counted(self, admin_client):
        alive, gone = make_worker(), make_worker(state="dead")

        assert answer(admin_client, WorkerRecord, "ask_to_stop", alive, gone) == (
            "success",
            "1 worker asked to stop, 1 is not alive.",
        )
        assert WorkerRecord.objects.get(pk=alive.pk).stop_requested_at is not None
        assert WorkerRecord.objects.get(pk=gone.pk).stop_requested_at is None
