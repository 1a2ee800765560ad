from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import override_settings

from django_jobqueue.core.errors import InvalidArguments, PayloadError, PayloadTooLarge
from django_jobqueue.models import Job
from tests.handlers import add, keep_anything

pytestmark = pytest.mark.django_db


def cycle() -> list[object]:
    items: list[object] = []
    items.append(items)
    return items


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


#: Each breaks PostgreSQL, or comes back from one of the databases as something else.
UNSTORABLE = {
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "minus Infinity": float("-inf"),
    "NUL in a text": "a\x00b",
    "NUL in a key": {"a\x00b": 1},
    "lone surrogate": "\ud800",
    "lone surrogate in a key": {"\ud800": 1},
    "integer key": {1: 1},
    "key of True": {True: 1},
    "key of None": {None: 1},
    "tuple key": {(1, 2): 1},
    "set": {1},
    "frozenset": frozenset([1]),
    "bytes": b"a",
    "object": object(),
    "datetime without annotation": datetime(2026, 1, 1, tzinfo=UTC),
    "Decimal without annotation": Decimal(1),
    "cycle": cycle(),
    "depth of 100,000": nested(100_000),
    "depth over 64": nested(65),
    "integer past 4,300 digits": 10**5000,
}


class TestUnstorablePayloads:
    @pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE.keys())
    def test_the_caller_is_told_and_its_transaction_stays_usable(self, value: object):
        with transaction.atomic():
            with pytest.raises((PayloadError, InvalidArguments)) as refused:
                keep_anything.enqueue(value=value)
            kept = add.enqueue(1)

        assert "value" in str(refused.value)
        assert [row.pk for row in Job.objects.all()] == [kept.id]

    def test_a_payload_over_the_limit_is_refused(self):
        with (
            override_settings(JOBQUEUE={"MAX_PAYLOAD_BYTES": 1_000}),
            pytest.raises(PayloadTooLarge, match="1,000 are allowed"),
        ):
            keep_anything.enqueue(value="x" * 1_000)

        assert not Job.objects.exists()

    def test_bytes_count_not_characters(self):
        with override_settings(JOBQUEUE={"MAX_PAYLOAD_BYTES": 1_000}):
            with pytest.raises(PayloadTooLarge):
                keep_anything.enqueue(value="ü" * 490)
            keep_anything.enqueue(value="u" * 490)

    @pytest.mark.parametrize(
        "value",
        [
            10**100,
            -(10**4000),
            1e308,
            1e16,
            -1e-300,
            0.1 + 0.2,
            nested(60),
            {"": {"é\U0001f600": ["\u2028", None, True]}},
            "x" * 200_000,
        ],
        ids=lambda value: ascii(value)[:20],
    )
    def test_what_json_can_hold_comes_back_as_it_was(self, value: object):
        handle = keep_anything.enqueue(value=value)

        payload = handle.snapshot.payload
        assert isinstance(payload, dict)
        back = payload["kwargs"]["value"]
        assert back == value
        assert type(back) is type(value)
