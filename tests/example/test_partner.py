"""Jobs that meet an expired credential, against a real HTTP server."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command

from django_jobqueue.jobs.line_keeper import keeper
from django_jobqueue.models import ArchivedJob, LineRecord
from example_project.partner import client
from example_project.partner.api import PartnerAPI, partner_api
from example_project.partner.credentials import current_secret
from example_project.partner.jobs import fetch_article
from example_project.partner.models import Credential

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = 20


@pytest.fixture
def api(settings) -> Iterator[PartnerAPI]:
    """The partner's API, which refuses the first twenty requests at the same time."""
    with partner_api(meeting=JOBS) as api:
        settings.PARTNER_URL = api.url
        yield api
    assert keeper.join(10)


def test_of_twenty_jobs_that_are_refused_at_once_exactly_one_renews_the_secret(api):
    Credential.objects.create(service="partner", secret="expired")
    fetch_article.enqueue_many([{"number": number} for number in range(JOBS)])

    call_command("runjobs", "--until-empty", "--concurrency", str(JOBS))

    assert (api.refusals, api.renewals, api.answers) == (JOBS, 1, JOBS)
    done = ArchivedJob.objects.filter(handler="partner.fetch_article", state="succeeded")
    assert {job.result["article"] for job in done} == {f"/articles/{n}" for n in range(JOBS)}
    assert set(done.values_list("attempt", flat=True)) == {1}
    assert not LineRecord.objects.exists()


def test_the_new_secret_is_kept_for_those_who_come_later(settings):
    with partner_api() as api:
        settings.PARTNER_URL = api.url
        for number in range(3):
            fetch_article.enqueue(number)
            call_command("runjobs", "--until-empty", "--concurrency", "1")

        assert (api.refusals, api.renewals, api.answers) == (1, 1, 3)
        assert client.article(7, secret=current_secret()) == {"article": "/articles/7"}
    assert keeper.join(10)


def test_an_api_that_fails_is_an_error_that_says_how(settings):
    with partner_api(meeting=2) as api:
        api._meeting.abort()
        settings.PARTNER_URL = api.url

        with pytest.raises(OSError, match=r"^GET /articles/1 was answered with status 503$"):
            client.article(1, secret="expired")
