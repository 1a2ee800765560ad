"""The cluster-wide lines that somebody holds."""

from datetime import timedelta

import pytest

from django_jobqueue.core.clock import SystemClock
from django_jobqueue.models import LineRecord

from .factories import list_url, make_line, page_url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("minutes", "told"), [(10, " left"), (-10, "lapsed ")], ids=["held", "lapsed"]
)
def test_the_list_says_who_holds_a_line_and_whether_still(admin_client, minutes, told):
    make_line(lease_expires_at=SystemClock().now() + timedelta(minutes=minutes))
    page = admin_client.get(list_url(LineRecord)).content.decode()

    assert "partner secret" in page
    assert "box:4711" in page
    assert told in page


def test_a_line_can_only_be_looked_at(admin_client):
    line = make_line()
    page = admin_client.get(page_url(line))
    admin_client.post(page_url(line), {"name": "another"})
    admin_client.post(page_url(line, "delete"), {"post": "yes"})

    assert page.status_code == 200
    assert LineRecord.objects.get().name == "partner secret"
    assert "Save" not in page.content.decode()


def test_hostile_names_are_text(admin_client):
    line = make_line(name="<script>alert(1)</script>", holder="\u202eevil")
    for url in (list_url(LineRecord), page_url(line)):
        page = admin_client.get(url).content.decode()
        assert "<script>alert" not in page
        assert "\u202e" not in page.split("<main", 1)[-1]
