"""The limits of queues, on their pages."""

import pytest

from django_jobqueue.models import AuditRecord, QueueRecord

from .factories import make_queue, page_url
from .test_actions import answer, post

pytestmark = pytest.mark.django_db


def test_the_page_of_a_queue_shows_its_limits(admin_client):
    queue = make_queue(max_running=417, rate="93/m")

    page = admin_client.get(page_url(queue)).content.decode()

    assert "417" in page
    assert "93/m" in page


def test_the_form_begins_with_what_all_of_the_queues_have(admin_client):
    one, other = make_queue("a", max_running=417, rate="93/m"), make_queue("b", max_running=417)

    page = post(admin_client, QueueRecord, "configure", one, other).content.decode()

    assert 'value="417"' in page
    assert "93/m" not in page
    assert not AuditRecord.objects.exists()


def test_what_is_said_is_set_and_what_is_left_empty_has_its_default(admin_client):
    queue = make_queue(max_running=417, rate_burst=5, max_attempts=9)

    told = answer(
        admin_client,
        QueueRecord,
        "configure",
        queue,
        confirmed="yes",
        concurrency="3",
        rate="100/m",
        max_running="",
    )
    queue.refresh_from_db()

    assert told == ("success", "1 queue configured.")
    assert (queue.concurrency, queue.rate, queue.max_running) == (3, "100/m", None)
    assert (queue.rate_burst, queue.max_attempts) == (1, None)
    assert AuditRecord.objects.get().action == "queue.configure"


@pytest.mark.parametrize(
    ("option", "value"), [("rate", "often"), ("max_running", "0"), ("max_attempts", "-1")]
)
def test_a_limit_that_cannot_be_is_asked_again(admin_client, option, value):
    queue = make_queue(max_running=417)
    response = post(
        admin_client, QueueRecord, "configure", queue, confirmed="yes", **{option: value}
    )

    assert response.status_code == 200
    assert "errorlist" in response.content.decode()
    assert QueueRecord.objects.get().max_running == 417
