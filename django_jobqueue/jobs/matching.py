"""How many jobs a filter means, before anything is done to them."""

from typing import Unpack

from django_jobqueue.core.health import Matching
from django_jobqueue.core.states import DeathReason

from .control import Criteria, filter_of
from .health import READ_LIMIT
from .site import site_store


def matching(*ids: int, death: DeathReason | None = None, **criteria: Unpack[Criteria]) -> Matching:
    """Count the jobs that match, as `cancel` and `discard` would find them; each count stops at
    `core.health.COUNT_LIMIT`.

    ValueError without any criterion; ReadTooSlow where no index helps to find them soon.
    """
    wanted = filter_of("matching", ids, criteria, death=death)
    with site_store().reading(at_most=READ_LIMIT):
        return site_store().count_matching(wanted)
