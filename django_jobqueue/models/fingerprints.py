"""How the jobs of a fingerprint are found."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql.compiler import SQLCompiler

from django_jobqueue.core.states import JobState

#: What PostgreSQL does not recognize as the state: where a statement says `state = 'ready'`, it
#: might else take the index of jobs whose state is not "running" for one to be read whole.
_UNRECOGNIZED = "({state} || '')"
#: Always true. Each half is found by an index of its own: of the waiting, and of the running.
_HALVES = f"({_UNRECOGNIZED} <> '{JobState.RUNNING}' OR {{state}} = '{JobState.RUNNING}')"
#: How many ids are one stretch: the entries of so many jobs fit into some 50 pages.
STRETCH = 4096
#: Walks from one stretch that has rows to the next, by their ids, and reads nothing else of them.
_STRETCHES = """
{column} / {stretch} {among}
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
{end}"""
#: PostgreSQL would join the stretches to the whole table, for all that it knows of their number.
_AMONG = {"sqlite": ("IN (", ")"), "postgresql": ("= ANY(ARRAY(", "))")}


class FingerprintField(models.CharField):  # type: ignore[type-arg]
    """Text that many jobs may share; found by `FingerprintIndex` where it is looked for as a whole.

    In migrations it is the CharField that it is in the database.
    """

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options


@FingerprintField.register_lookup
class HasFingerprint(Exact):
    """Where the index begins with stretches of ids it names each of them besides, and on PostgreSQL
    both halves of the live jobs, or it could not use the index.
    """

    def as_postgresql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        text, parameters = self.as_sql(compiler, connection)
        index = _index_of(self.lhs.target.model) if isinstance(self.lhs, Col) else None
        if index is not None and index.running_apart:
            quoted = connection.ops.quote_name
            halves = _HALVES.format(state=f"{quoted(self.lhs.alias)}.{quoted('state')}")
            return f"({text} AND {halves})", parameters
        if index is not None and index.by_stretch:
            return f"({text} AND {self._stretches(connection)})", parameters
        return text, parameters

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        text, parameters = self.as_sql(compiler, connection)
        if not isinstance(self.lhs, Col):
            return text, parameters
        return f"({text} AND {self._stretches(connection)})", parameters

    def _stretches(self, connection: Any) -> str:
        model, quoted = self.lhs.target.model._meta, connection.ops.quote_name
        key, (among, end) = quoted(model.pk.column), _AMONG[connection.vendor]
        return _STRETCHES.format(
            column=f"{quoted(self.lhs.alias)}.{key}",
            id=key,
            table=quoted(model.db_table),
            stretch=STRETCH,
            among=among,
            end=end,
        )


class _Stretch(models.Func):
    """Which stretch an id is in."""

    template = f"%(expressions)s / {STRETCH}"
    arity = 1


class _State(models.Func):
    """The state, unrecognized."""

    template = _UNRECOGNIZED.format(state="%(expressions)s")
    arity = 1


class FingerprintIndex(models.Index):
    """The jobs of each fingerprint.

    Fingerprints are random: one batch of jobs would write as many pages of a plain index as there
    are jobs in it. SQLite writes whole pages; there it begins with the stretch of the id:
    neighbours share the pages of theirs, however many jobs there are. PostgreSQL writes whole
    pages after a checkpoint: there it begins so where it is asked to, for the archive of many. And
    it enters a row into every index anew when one of them sees a change of it, as with each claim:
    there it leaves out running jobs, where they are to be found apart.
    """

    def __init__(
        self,
        *,
        name: str,
        fields: Sequence[str] = ("fingerprint",),
        running_apart: bool = False,
        by_stretch: bool = False,
    ) -> None:
        super().__init__(name=name, fields=fields)
        self.running_apart, self.by_stretch = running_apart, by_stretch

    def deconstruct(self) -> Any:
        path, arguments, options = super().deconstruct()
        for option in ("running_apart", "by_stretch"):
            if getattr(self, option):
                options[option] = True
        return path, arguments, options

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **options: Any,
    ) -> Any:
        stored_as = _STORED_AS.get(schema_editor.connection.vendor)
        if stored_as is None:
            return super().create_sql(model, schema_editor, using, **options)
        return stored_as(self).create_sql(model, schema_editor, using, **options)


def _on_postgresql(index: FingerprintIndex) -> models.Index:
    return _by_stretch(index) if index.by_stretch else _without_running(index)


def _by_stretch(index: FingerprintIndex) -> models.Index:
    return models.Index(_Stretch("id"), *index.fields, name=index.name)


def _without_running(index: FingerprintIndex) -> models.Index:
    state = _State("state", output_field=models.CharField())
    waits = ~models.Q(Exact(state, JobState.RUNNING.value))
    condition = waits if index.running_apart else None
    return models.Index(fields=index.fields, condition=condition, name=index.name)


#: What it is on each database.
_STORED_AS: Mapping[str, Callable[[FingerprintIndex], models.Index]] = {
    "sqlite": _by_stretch,
    "postgresql": _on_postgresql,
}


def _index_of(model: type[models.Model]) -> FingerprintIndex | None:
    return next((one for one in model._meta.indexes if isinstance(one, FingerprintIndex)), None)
