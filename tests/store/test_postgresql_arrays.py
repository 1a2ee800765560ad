"""Arrays as literals that PostgreSQL reads."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.db import connection

from django_jobqueue.store.postgresql_arrays import array, array_of_moments, quoted_array

from .helpers import HOSTILE_TEXTS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AN_ID = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("values", "literal"),
    [
        ([], "{}"),
        ([1, None, -2], "{1,NULL,-2}"),
        ([1.5, float("nan")], "{1.5,nan}"),
        ([True, False], "{True,False}"),
        ([AN_ID], f"{{{AN_ID}}}"),
        ([NOON], "{2026-01-01 12:00:00+00:00}"),
    ],
)
def test_plain_values_need_no_quotes(values: list, literal: str) -> None:
    assert array(values) == literal


@pytest.mark.parametrize(
    ("texts", "literal"),
    [
        ([], "{}"),
        (["a", None, ""], '{"a",NULL,""}'),
        (['"', "\\", "NULL"], '{"\\"","\\\\","NULL"}'),
    ],
)
def test_texts_are_quoted(texts: list, literal: str) -> None:
    assert quoted_array(texts) == literal


@pytest.mark.postgresql
@pytest.mark.django_db
def test_texts_of_every_kind_come_back_as_they_were() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [quoted_array([*HOSTILE_TEXTS, None])])
        [(texts,)] = cursor.fetchall()

    assert texts == [*HOSTILE_TEXTS, None]


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("year", [1969, 2026, 2100])
def test_moments_come_back_to_the_microsecond(year: int) -> None:
    moments = [NOON.replace(year=year) + timedelta(microseconds=one) for one in range(0, 1000, 7)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(to_timestamp(at)) FROM unnest(%s::float8[]) AS at",
            [array_of_moments([*moments, None])],
        )
        [(read,)] = cursor.fetchall()

    assert read == [*moments, None]


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-3, minutes=-30))])
def test_times_come_back_whatever_their_zone(zone: timezone) -> None:
    times = [NOON.astimezone(zone), NOON.replace(microsecond=7).astimezone(zone), None]
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz[]", [array(times)])
        [(read,)] = cursor.fetchall()

    assert read == times
