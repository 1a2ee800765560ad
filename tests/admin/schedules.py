"""What tests of schedules in the admin fill in."""

from typing import Any

from django.test import Client

from django_jobqueue.models import Schedule as Row
from tests.jobs.recurring import report

from .factories import list_url

FORM = {
    "name": "weekly",
    "handler": "tests.report",
    "template": "",
    "arguments": '{"week": 1}',
    "cron": "0 7 * * 1",
    "timezone": "Europe/Berlin",
    "every_seconds": "",
    "after": "start",
    "missed": "skip",
    "missed_cap": "",
    "overlap": "skip",
    "jitter_seconds": "",
}


def add(client: Client, model: Any, **fields: Any) -> str:
    """Fill in the form, and return what it complains about."""
    response = client.post(list_url(model) + "add/", fields)
    if response.status_code == 302:
        return ""
    return str(response.context["errors"])


def minutely(name: str = "minutely") -> Row:
    report.using(every=60, schedule=name).enqueue(week=1)
    return Row.objects.get(name=name)
