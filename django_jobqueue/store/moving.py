"""Moving rows between the job tables: INSERT … SELECT, so that no payload passes through Python."""

from collections.abc import Mapping
from typing import Any

from django.db import connections
from django.db.models import JSONField, Model, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from django_jobqueue.models.base import JobRecord

#: For each column that is filled: the column or expression that it is filled from.
Columns = Mapping[str, str | Combinable]

#: Every column that the three job tables share, copied as it is.
SHARED_COLUMNS: Columns = {field.name: field.name for field in JobRecord._meta.fields}
#: As the partial index of it has to be named.
_ON_CONFLICT = "ON CONFLICT ({column}) WHERE {column} IS NOT NULL DO NOTHING "


def copy_rows(
    source: QuerySet[Any],
    *,
    into: type[Model],
    columns: Columns,
    returning: str,
    unless_conflict: str = "",
) -> list[tuple[Any, ...]]:
    """Insert what `source` selects; return the columns `returning` of each new row.

    Columns that are not named get their database defaults. A row whose column
    `unless_conflict` is taken is left out.
    """
    connection = connections[source.db]
    selected = source.values_list(*columns.values())
    select, parameters = selected.query.get_compiler(source.db).as_sql()
    conflict = _ON_CONFLICT.format(column=unless_conflict) if unless_conflict else ""
    text = (
        f"INSERT INTO {into._meta.db_table} ({', '.join(columns)}) "
        f"{select} {conflict}RETURNING {returning}"
    )
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def erase(rows: QuerySet[Any]) -> int:
    """Delete rows with one statement, past Django's delete signals; return how many."""
    return int(rows._raw_delete(rows.db) or 0)


def stored_json(text: str) -> Cast:
    """Return JSON text as a value of a JSON column, untouched by Python."""
    return Cast(Value(text, output_field=TextField()), JSONField())
