"""From a JobFilter to rows, and the walk over them in batches."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db.models import BooleanField, Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.specs import JobFilter

from .connected import ConnectedStore
from .steerable import Note

BATCH = 500
LARGEST_ID = 2**63 - 1
_COLUMNS = ("handler", "queue", "fingerprint", "unique_key", "batch_id")
#: `tags` is the column of the row that is looked at; json_each has no column of that name.
_HAS_TAG = "EXISTS (SELECT 1 FROM json_each(tags) AS tag WHERE tag.value = %s)"

ModelT = TypeVar("ModelT", bound=Model)


def refuse_empty(wanted: JobFilter) -> None:
    if wanted.is_empty:
        raise InvalidOptions(
            "filter",
            "names no jobs, and would touch all of them. Set at least one of "
            f"{', '.join(JobFilter.__struct_fields__)}.",
        )


class FilteringStore(ConnectedStore):
    """Finds the rows that an operator means, and locks them a batch at a time."""

    def matching(self, rows: QuerySet[ModelT], wanted: JobFilter) -> QuerySet[ModelT]:
        """Narrow `rows` by all that a filter says of columns; ids are left to `in_batches`."""
        for name in _COLUMNS:
            if (value := getattr(wanted, name)) is not None:
                rows = rows.filter(**{name: value})
        if wanted.state is not None:
            rows = rows.filter(state=wanted.state.value)
        if wanted.reason is not None:
            rows = rows.filter(reason=wanted.reason.value)
        if wanted.tag is not None:
            rows = rows.filter(self._has_tag(wanted.tag))
        return rows

    def counted(
        self, rows: QuerySet[ModelT], wanted: JobFilter, *, limit: int | None = None
    ) -> int:
        """Count rows that match, those of its ids if it has some, to `limit` or COUNT_LIMIT."""
        most = COUNT_LIMIT if limit is None else min(limit, COUNT_LIMIT)
        count = 0
        for scope in scopes(wanted):
            count += rows.filter(scope).order_by()[: most - count].count()
        return count

    def in_batches(
        self,
        rows: QuerySet[ModelT],
        wanted: JobFilter,
        write: Callable[[list[int]], list[int]],
        *,
        limit: int | None = None,
        skip_locked: bool = False,
        note: Note | None = None,
    ) -> None:
        """Call `write` with the ids of at most BATCH rows, locked, one transaction per batch.

        `write` answers which of them it has changed: they count towards `limit`, and are noted.
        """
        left = LARGEST_ID if limit is None else limit
        for scope in scopes(wanted):
            after, full = 0, True
            while full and left > 0:
                size = min(BATCH, left)
                with self.writing():
                    page = rows.filter(scope, pk__gt=after).order_by("pk")
                    locked = page.select_for_update(skip_locked=skip_locked)
                    ids = list(locked.values_list("pk", flat=True)[:size])
                    changed = write(ids) if ids else []
                    left -= len(changed)
                    if changed and note is not None:
                        note(changed)
                full = len(ids) == size
                after = ids[-1] if ids else after

    def _has_tag(self, tag: str) -> Q | RawSQL:
        if self.connection.features.supports_json_field_contains:
            return Q(tags__contains=[tag])
        # The tag is a parameter; the text is ours.
        return RawSQL(_HAS_TAG, [tag], output_field=BooleanField())  # noqa: S611


def scopes(wanted: JobFilter) -> Iterator[Q]:
    """The ids of a filter, a batch at a time; a single scope of all where it names none."""
    if wanted.ids is None:
        yield Q()
        return
    # No database stores an id outside this range, and SQLite refuses to be asked for one.
    ids = sorted({one for one in wanted.ids if 0 < one <= LARGEST_ID})
    for start in range(0, len(ids), BATCH):
        yield Q(pk__in=ids[start : start + BATCH])
