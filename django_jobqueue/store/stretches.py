"""The stretches of a queue that a claim with watermarks looks at."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from django_jobqueue.core.specs import WantedJobs, Watermark

from .postgresql_arrays import array, array_of_ids, quoted_array

HIGHEST, LOWEST = 2**15 - 1, -(2**15)


class Stretch(msgspec.Struct, frozen=True):
    """Priorities from `highest` down to `lowest`, and the first time looked at, with the first id
    of that time; None: from the beginning.
    """

    queue: str
    highest: int
    lowest: int
    since: datetime | None = None
    first_id: int | None = None


def stretches_of(queue: str, watermarks: Sequence[Watermark]) -> Iterator[Stretch]:
    """Yield the whole queue in its order: each priority that has a watermark from there on, and
    what lies between them.
    """
    highest = HIGHEST
    for mark in watermarks:
        if mark.priority < highest:
            yield Stretch(queue, highest, mark.priority + 1)
        yield Stretch(queue, mark.priority, mark.priority, mark.ready_at, mark.id)
        highest = mark.priority - 1
    if highest >= LOWEST:
        yield Stretch(queue, highest, LOWEST)


def stretch_parameters(wanted: Sequence[WantedJobs]) -> dict[str, object]:
    """Return what the claim by stretches needs beyond the parameters of every claim."""
    stretches = [part for one in wanted for part in stretches_of(one.queue, one.watermarks)]
    return {
        "stretched": quoted_array([part.queue for part in stretches]),
        "highest": array_of_ids([part.highest for part in stretches]),
        "lowest": array_of_ids([part.lowest for part in stretches]),
        "since": array([part.since for part in stretches]),
        "first_ids": array([part.first_id for part in stretches]),
    }
