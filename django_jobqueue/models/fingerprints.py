"""How the jobs of a fingerprint are found."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql.compiler import SQLCompiler

#: How many ids are one stretch: the entries of so many jobs fit into some 50 pages.
STRETCH = 4096
#: Walks from one stretch that has rows to the next, by their ids, and reads nothing else of them.
_STRETCHES = """
{column} / {stretch} IN (
    WITH RECURSIVE filled (stretch) AS (
        SELECT MIN({id}) / {stretch} FROM {table}
        UNION ALL
        SELECT (
            SELECT {id} / {stretch} FROM {table}
            WHERE {id} >= (filled.stretch + 1) * {stretch}
            ORDER BY {id}
            LIMIT 1
        )
        FROM filled
        WHERE filled.stretch IS NOT NULL
    )
    SELECT stretch FROM filled
)"""


class FingerprintField(models.CharField):  # type: ignore[type-arg]
    """Text that many jobs may share; found by `FingerprintIndex` where it is looked for as a whole.

    In migrations it is the CharField that it is in the database.
    """

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options


@FingerprintField.register_lookup
class HasFingerprint(Exact):
    """On SQLite it names every stretch of ids besides, or it could not use the index."""

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        text, parameters = self.as_sql(compiler, connection)
        if not isinstance(self.lhs, Col):
            return text, parameters
        model, quoted = self.lhs.target.model._meta, connection.ops.quote_name
        key = quoted(model.pk.column)
        stretches = _STRETCHES.format(
            column=f"{quoted(self.lhs.alias)}.{key}",
            id=key,
            table=quoted(model.db_table),
            stretch=STRETCH,
        )
        return f"({text} AND {stretches})", parameters


class _Stretch(models.Func):
    """Which stretch an id is in."""

    template = f"%(expressions)s / {STRETCH}"
    arity = 1


#: What the index of a database begins with, where it is not the fingerprint.
_FIRST = {"sqlite": _Stretch("id")}


class FingerprintIndex(models.Index):
    """The jobs of each fingerprint.

    Fingerprints are random: on SQLite, which writes whole pages, one batch of jobs would write as
    many pages of a plain index as there are jobs in it. There it begins with the stretch of the
    id: neighbours share the pages of theirs, however many jobs there are.
    """

    def __init__(self, *, name: str, fields: Sequence[str] = ("fingerprint",)) -> None:
        super().__init__(name=name, fields=fields)

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **options: Any,
    ) -> Any:
        first = _FIRST.get(schema_editor.connection.vendor)
        if first is None:
            return super().create_sql(model, schema_editor, using, **options)
        by_stretch = models.Index(first, *self.fields, name=self.name)
        return by_stretch.create_sql(model, schema_editor, using, **options)
