import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

from .factories import (
    list_url,
    make_archived,
    make_dead,
    make_job,
    make_queue,
    make_worker,
    page_url,
)

pytestmark = pytest.mark.django_db

MAKERS = {
    Job: make_job,
    ArchivedJob: make_archived,
    DeadJob: make_dead,
    QueueRecord: make_queue,
    WorkerRecord: make_worker,
}
ACTIONS = [
    (Job, "cancel", "cancel_job"),
    (Job, "run_now", "run_job"),
    (ArchivedJob, "requeue", "requeue_archivedjob"),
    (DeadJob, "requeue", "requeue_deadjob"),
    (DeadJob, "discard", "discard_deadjob"),
    (QueueRecord, "pause", "pause_queue"),
    (QueueRecord, "resume", "pause_queue"),
    (QueueRecord, "configure", "configure_queue"),
    (WorkerRecord, "ask_to_stop", "stop_worker"),
]
ALL_CODENAMES = {codename for _, _, codename in ACTIONS}


def everything() -> list[list[dict]]:
    return [list(model.objects.order_by("pk").values()) for model in MAKERS]


@pytest.mark.parametrize(("model", "action", "codename"), ACTIONS)
def test_an_action_without_its_own_permission_is_forbidden(staff, model, action, codename):
    row = MAKERS[model]()
    before = everything()
    client = staff(*ALL_CODENAMES - {codename})
    data = {"action": action, "_selected_action": row.pk, "confirmed": "yes"}

    for extra in ({}, {"index": 0}, {"select_across": 1}):
        assert client.post(list_url(model), data | extra).status_code == 403
    assert everything() == before


@pytest.mark.parametrize(("model", "action", "codename"), ACTIONS)
def test_an_action_is_offered_to_those_who_may(staff, model, action, codename):
    row = MAKERS[model]()
    offered = f'value="{action}"'

    for address in (list_url(model), page_url(row)):
        assert offered in staff_page(staff, address, codename)
        assert offered not in staff_page(staff, address)


def staff_page(staff, address, *codenames):
    User.objects.filter(username__startswith="staff").delete()
    return staff(*codenames).get(address).content.decode()


@pytest.mark.parametrize(("model", "action", "codename"), ACTIONS)
def test_looking_at_an_action_does_nothing(admin_client, model, action, codename):
    row = MAKERS[model]()
    before = everything()
    admin_client.get(list_url(model), {"action": action, "_selected_action": row.pk})

    assert everything() == before


@pytest.mark.parametrize("model", MAKERS)
def test_nothing_is_added_changed_or_deleted_by_anybody(admin_client, model):
    row = MAKERS[model]()
    before = everything()
    attempts = [
        admin_client.post(page_url(row), {"state": "succeeded", "handler": "x", "name": "y"}),
        admin_client.post(page_url(row, "delete"), {"post": "yes"}),
        admin_client.post(
            list_url(model),
            {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"},
        ),
    ]
    if model is not QueueRecord:
        attempts.append(admin_client.post(list_url(model) + "add/", {"handler": "x"}))

    assert {response.status_code for response in attempts} == {403}
    assert everything() == before


@pytest.mark.parametrize("model", MAKERS)
def test_staff_without_view_permission_sees_nothing(model):
    row = MAKERS[model]()
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    for address in (list_url(model), page_url(row), page_url(row, "history")):
        assert client.get(address).status_code == 403


def test_a_queue_is_not_added_without_the_permission(staff):
    assert (
        staff("pause_queue").post(list_url(QueueRecord) + "add/", {"name": "x"}).status_code == 403
    )
    assert not QueueRecord.objects.exists()


def test_an_action_needs_the_token_against_forged_requests(admin_user):
    job = make_job()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    response = client.post(list_url(Job), {"action": "cancel", "_selected_action": job.pk})

    assert response.status_code == 403
    assert Job.objects.filter(pk=job.pk).exists()


@pytest.mark.parametrize(
    ("model", "action"),
    [
        (Job, "cancel"),
        (ArchivedJob, "requeue"),
        (DeadJob, "discard"),
        (WorkerRecord, "ask_to_stop"),
    ],
)
def test_a_key_that_no_row_can_have_is_a_bad_request(admin_client, model, action):
    response = admin_client.post(list_url(model), {"action": action, "_selected_action": "x'--"})

    assert response.status_code == 400
