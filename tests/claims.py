"""A claimed job as a worker has it, for tests that need one without a database."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django_jobqueue.core.specs import ClaimedJob

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def a_claim(**said: Any) -> ClaimedJob:
    """Return the first claim of a plain job; what the test is about it says itself."""
    facts: dict[str, Any] = {
        "id": 1,
        "queue": "default",
        "handler": "tests.handler",
        "payload": '{"args":[],"kwargs":{}}',
        "priority": 0,
        "attempt": 1,
        "max_attempts": 3,
        "reprocess_count": 0,
        "rescues": 0,
        "claimed_at": MOMENT,
        "ready_at": MOMENT,
        "created_at": MOMENT,
        "is_expired": False,
        "unreadable": None,
        "timeout_seconds": None,
        "backoff": None,
        "fingerprint": "",
        "unique_key": None,
        "concurrency_key": None,
        "meta": "{}",
        "tags": "[]",
        **dict.fromkeys(("checkpoints", "error", "batch_id")),
        "has_next": False,
        "claim_token": uuid4(),
        "worker_id": uuid4(),
    }
    return ClaimedJob(**facts | said)
