"""Who holds an old snapshot, told where an operator looks first."""

from datetime import timedelta

import msgspec

from django_jobqueue.core.health import HeldSnapshot

from .display import span, visible


class SnapshotNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says of the holder; `ends_it` is the statement that ends the hold, if one does.
    Its query is not told: it may show what this user may not see.
    """

    kind: str
    name: str
    pid: int | None
    state: str
    age: str
    ends_it: str


def note_of(held: HeldSnapshot | None, *, max_age: timedelta) -> SnapshotNote | None:
    """Return what to say of a snapshot that is held for longer; None for any other, and where the
    database does not tell how old it is.
    """
    if held is None or held.age is None or held.age <= max_age.total_seconds():
        return None
    return SnapshotNote(
        kind=held.kind,
        name=visible(held.name),
        pid=held.pid,
        state=visible(held.state or ""),
        age=span(timedelta(seconds=held.age)),
        ends_it=_ends(held),
    )


def _ends(held: HeldSnapshot) -> str:
    if held.kind == "connection" and held.pid is not None:
        return f"SELECT pg_terminate_backend({held.pid})"
    # Spelled out, an invisible letter would name another one.
    if held.kind == "prepared transaction" and visible(held.name) == held.name:
        quoted = held.name.replace("'", "''")
        return f"ROLLBACK PREPARED '{quoted}'"
    return ""
