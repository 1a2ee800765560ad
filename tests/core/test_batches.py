"""Batches as values."""

from datetime import UTC, datetime

import pytest

from django_jobqueue.core.batches import BatchSnapshot, EndedBatch

NUMBERS = {"waiting": 1, "running": 2, "succeeded": 4, "cancelled": 8, "dead": 16}


def test_a_batch_counts_all_members_and_those_that_have_ended():
    batch = BatchSnapshot(
        id=1,
        parent_id=None,
        meta={},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        finished_at=None,
        **NUMBERS,
    )

    assert (batch.total, batch.ended, batch.is_finished) == (31, 28, False)


@pytest.mark.parametrize(
    ("cancelled", "dead", "due"),
    [
        (0, 0, {"success": "s", "finish": "f"}),
        (1, 0, {"failure": "x", "finish": "f"}),
        (0, 1, {"failure": "x", "finish": "f"}),
        (1, 1, {"failure": "x", "finish": "f"}),
    ],
)
def test_an_end_is_a_failure_where_a_member_did_not_succeed(
    cancelled: int, dead: int, due: dict[str, str]
):
    assert EndedBatch(1, None, 5, cancelled, dead, "s", "x", "f").due() == due


def test_what_was_enqueued_at_an_earlier_end_is_not_due_again():
    assert EndedBatch(1, None, 5, 0, 0, None, "x", None).due() == {}
