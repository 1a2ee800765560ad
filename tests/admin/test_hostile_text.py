"""Whatever a row says, no page repeats it as markup."""

import re

import pytest
from django.contrib.admin.models import CHANGE, LogEntry

from django_jobqueue.models import ArchivedJob, DeadJob, Job, QueueRecord, WorkerRecord

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

pytestmark = pytest.mark.django_db

TAG = "<script>alert(1)</script>"
QUEUE_LENGTH = 128
CORPUS = [
    TAG,
    f"'\"><img src=x onerror=alert(1)>{TAG}",
    f"two\nlines {TAG}",
    f"\x1b[31mred\x1b[0m {TAG}",
    f"\u202egnp.exe {TAG}",
    (TAG + "x" * 255)[:255],
    "{{ 7|add:7 }} {% load static %} %s %(name)s {} {0.__class__}" + TAG,
    "javascript:alert(1)//" + TAG,
]


def job_columns(text):
    said = {"type": text, "message": text, "fields": {text: text}, "data": [text]}
    return {
        "handler": text,
        "queue": text[:QUEUE_LENGTH],
        "fingerprint": text,
        "unique_key": text,
        "payload": {"args": [text], "kwargs": {text: text}},
        "result": {text: text},
        "error": said,
        "progress": {"message": text},
        "checkpoints": {text: 1},
        "tags": [text],
        "meta": {text: text},
        "concurrency_key": text,
    }


@pytest.fixture(params=CORPUS)
def rows(request, db):
    text = request.param
    columns = job_columns(text)
    rows = [
        make_job("running", **columns),
        make_archived(**columns),
        make_dead(**columns),
        make_queue(text[:QUEUE_LENGTH], paused_at="2026-01-01T00:00Z", pause_reason=text),
        make_worker(host=text, version=text[:64], queues=[text], handlers=[text, {text: text}]),
    ]
    for job in rows[:3]:
        make_attempt(
            job, outcome=text[:16], error_type=text, message=text, traceback=text, log=[text]
        )
    make_job(queue="2" + text[: QUEUE_LENGTH - 1], handler=text)
    return rows


def check(response, *, status=200):
    assert response.status_code == status
    page = response.content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript:' not in page
    return page


@pytest.mark.parametrize("model", [Job, ArchivedJob, DeadJob, QueueRecord, WorkerRecord])
def test_in_a_list_with_its_filters_and_search(admin_client, rows, model, request):
    text = next(row for row in rows if isinstance(row, QueueRecord)).name
    for query in ({}, {"queue": text}, {"q": text}, {"handler": text}):
        response = admin_client.get(list_url(model), query)
        if response.status_code == 200:
            check(response)
        else:  # that model has no such filter
            assert response.status_code == 400
            assert not {"queue", "handler"}.isdisjoint(query)


def test_text_that_would_turn_its_line_around_is_spelled_out(admin_client):
    make_job(handler="\u202egnp.exe", queue="\u202egnp")
    page = admin_client.get(list_url(Job)).content.decode()
    cells = re.findall(r"<td.*?</td>|<li>.*?</li>", page)

    assert any("\\u202egnp.exe" in cell for cell in cells)
    shown = [re.sub(r"<input[^>]*>|href=\"[^\"]*\"", "", cell) for cell in cells]
    assert "\u202e" not in "".join(shown)


def test_on_the_page_of_a_row_and_in_its_history(admin_client, admin_user, rows):
    LogEntry.objects.log_actions(admin_user.pk, rows, CHANGE, TAG)
    for row in rows:
        check(admin_client.get(page_url(row)))
        check(admin_client.get(page_url(row, "history")))


def test_in_what_an_action_asks_and_answers(admin_client, rows):
    job, archived, dead, queue, worker = rows
    asked = [
        (Job, "run_now", job),
        (Job, "cancel", job),
        (ArchivedJob, "requeue", archived),
        (DeadJob, "requeue", dead),
        (DeadJob, "discard", dead),
        (QueueRecord, "pause", queue),
        (QueueRecord, "resume", queue),
        (WorkerRecord, "ask_to_stop", worker),
    ]
    for model, action, row in asked:
        check(
            admin_client.post(
                list_url(model), {"action": action, "_selected_action": row.pk}, follow=True
            )
        )


def test_pages_of_ours_need_no_inline_script_or_style(admin_client, rows):
    job = rows[0]
    addresses = [list_url(model) for model in (Job, DeadJob, QueueRecord, WorkerRecord)]
    for address in [*addresses, page_url(job), page_url(rows[3])]:
        page = check(admin_client.get(address))
        for script in re.findall(r"<script[^>]*>", page):
            assert "src=" in script, script
        assert "<style" not in page
        assert not re.search(r"<[^>]+\s(style|onclick|onload)=", page)
