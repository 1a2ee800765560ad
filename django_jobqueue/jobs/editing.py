"""Other arguments for a job that exists, and what must change with them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django_jobqueue import conf
from django_jobqueue.core.keys import fingerprint_of, unique_key_of
from django_jobqueue.core.payloads import dump_payload
from django_jobqueue.core.snapshots import JobSnapshot
from django_jobqueue.core.specs import Edited

from .handlers import Handler


def edited_arguments(
    found: JobSnapshot, handler: Handler, args: Sequence[object], kwargs: Mapping[str, object]
) -> Edited:
    """Return what is stored in place of the arguments of `found`.

    InvalidArguments for a call that does not fit, PayloadError for one that cannot be stored.
    """
    after: Mapping[str, Any] = handler.arguments.bind(args, kwargs)
    payload = dump_payload(after, max_bytes=conf.current().max_payload_bytes)
    fingerprint, unique_key = found.fingerprint, found.unique_key
    before: Any = found.payload
    if _is_readable(before):
        canonical = handler.arguments.canonical
        before, after = canonical(before), canonical(after)
        if fingerprint == fingerprint_of(found.handler, before):
            fingerprint = fingerprint_of(handler.name, after)
        unique_key = _key(found, handler, before, after)
    return Edited(payload=payload, fingerprint=fingerprint, unique_key=unique_key)


def _is_readable(payload: Any) -> bool:
    try:
        return isinstance(payload["args"], list) and isinstance(payload["kwargs"], dict)
    except (TypeError, KeyError):
        return False  # a row that was edited by hand


def _key(
    found: JobSnapshot, handler: Handler, before: Mapping[str, Any], after: Mapping[str, Any]
) -> str | None:
    """The unique key; one that the caller chose, or that nobody can tell the making of, stays."""
    for unique_by in ((), handler.options.unique_by or ()):
        keys = [
            unique_key_of(
                name,
                fingerprint=fingerprint_of(name, arguments),
                named=handler.arguments.named(arguments),
                unique=not unique_by,
                unique_by=unique_by,
            )
            for name, arguments in ((found.handler, before), (handler.name, after))
        ]
        if keys[0] == found.unique_key:
            return keys[1]
    return found.unique_key
