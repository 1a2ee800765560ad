"""What snapshots tell of themselves."""

from datetime import UTC, datetime

import pytest

from .snapshots import a_job, a_worker

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_result_may_have_keys_that_are_no_text_to_its_type():
    assert a_job(result={"7": "2026-01-01"}).typed_result(dict[int, str]) == {7: "2026-01-01"}


@pytest.mark.parametrize(
    ("said", "serves"),
    [
        ({}, True),
        ({"queues": ("mail",)}, True),
        ({"queues": ("reports",)}, False),
        ({"has_lease": False}, False),
        ({"stop_requested_at": NOON}, False),
    ],
)
def test_a_worker_takes_jobs_of_its_queues_while_it_lives_and_nobody_asked_it_to_stop(said, serves):
    assert a_worker(**said).serves("mail") is serves
