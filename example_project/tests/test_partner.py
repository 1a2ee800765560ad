from datetime import UTC, datetime, timedelta
from unittest import mock

import time_machine
from django.test import TestCase

from django_jobqueue.testing import run_jobs
from example_project.partner import client
from example_project.partner.jobs import fetch_article
from example_project.partner.models import Credential

NOON = datetime(2031, 3, 1, 12, tzinfo=UTC)


class OutageTests(TestCase):
    def setUp(self) -> None:
        super().setUp()
        Credential.objects.create(service="partner", secret="known")  # noqa: S106 - of no partner

    def test_an_article_is_fetched_again_until_the_partner_answers(self) -> None:
        answers = [OSError("down"), OSError("down"), {"article": "7"}]
        handle = fetch_article.enqueue(number=7)

        with mock.patch.object(client, "article", side_effect=answers):
            runs = run_jobs(until=timedelta(seconds=10))

        assert [run.outcome for run in runs] == ["failed", "failed", "succeeded"]
        assert handle.refresh().result == {"article": "7"}

    def test_after_three_attempts_it_is_a_dead_letter(self) -> None:
        handle = fetch_article.enqueue(number=7)

        with (
            mock.patch.object(client, "article", side_effect=OSError("down")),
            time_machine.travel(NOON, tick=False) as traveller,
        ):
            run_jobs(until=timedelta(minutes=1), clock=traveller)

        assert (handle.refresh().state, handle.snapshot.reason) == ("dead", "exhausted")
        assert [attempt.message for attempt in handle.attempts] == ["down"] * 3
