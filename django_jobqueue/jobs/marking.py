"""What is added to the meta of jobs while they are enqueued, by who surrounds that with a span."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from django_jobqueue.core.specs import NewJob


def marked(jobs: Sequence[NewJob], facts: Mapping[str, object]) -> Sequence[NewJob]:
    """Return the jobs with the `meta` of the span's facts; what a job says itself goes before."""
    added = facts.get("meta")
    if not isinstance(added, Mapping) or not added:
        return jobs
    plain = msgspec.json.encode(added).decode()
    return [
        replace(new, meta=plain if new.meta == "{}" else _merged(new.meta, added)) for new in jobs
    ]


def _merged(meta: str, added: Mapping[str, object]) -> str:
    return msgspec.json.encode({**added, **msgspec.json.decode(meta)}).decode()
