"""What an operator sets of the limit of a handler or of a concurrency key; that of a queue is set
by `Queue.configure`.
"""

from typing import Any, Literal

import msgspec

from django_jobqueue.core.audit import Action
from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.keys import checked_label
from django_jobqueue.core.limits import Limit, LimitKind, LimitName
from django_jobqueue.events import events

from .auditing import audit
from .handlers import HandlerLike, name_of
from .limiting import count_of, rate_of
from .site import site_store

Kind = Literal["handler", "key"]


def set_limit(
    kind: Kind,
    name: HandlerLike,
    *,
    max_running: int | None = None,
    rate: str | None = None,
    rate_burst: int = 1,
) -> None:
    """Let a limit hold across workers, whatever the code declares:
    `set_limit("handler", send_mail, rate="100/m")`, `set_limit("key", "account:7", max_running=2)`.

    What is not given is not limited. Workers keep to it within one poll interval.
    """
    limit_name = _name(kind, name)
    limit = Limit(
        max_running=None if max_running is None else count_of("max_running", max_running),
        rate=None if rate is None else rate_of("rate", rate),
        rate_burst=count_of("rate_burst", rate_burst),
    )
    store = site_store()
    with store.writing():
        before = store.set_limit(limit_name, limit)
        _audit(Action.SET_LIMIT, limit_name, before=before, after=limit)
    events.emit("limit.set", limit=str(limit_name), settings=msgspec.structs.asdict(limit))


def clear_limit(kind: Kind, name: HandlerLike) -> bool:
    """Let what the code declares hold again; False if nothing else was set."""
    limit_name, store = _name(kind, name), site_store()
    with store.writing():
        before = store.clear_limit(limit_name)
        if before is not None:
            _audit(Action.CLEAR_LIMIT, limit_name, before=before, after=None)
    if before is not None:
        events.emit("limit.cleared", limit=str(limit_name))
    return before is not None


def _name(kind: str, name: HandlerLike) -> LimitName:
    if kind == LimitKind.HANDLER:
        return LimitName(LimitKind.HANDLER, checked_label("name", name_of(name)))
    if kind == LimitKind.KEY:
        return LimitName(LimitKind.KEY, checked_label("name", name))
    raise InvalidOptions("kind", f"must be 'handler' or 'key', not {kind!r}")


def _audit(action: Action, name: LimitName, *, before: Limit | None, after: Limit | None) -> None:
    facts: dict[str, Any] = {
        side: None if limit is None else msgspec.structs.asdict(limit)
        for side, limit in (("before", before), ("after", after))
    }
    audit(site_store(), action, subject=str(name), **facts)
