"""When a claim may take what is ahead of every limit without looking at limits."""

from collections.abc import Sequence
from itertools import takewhile

from django_jobqueue.core.limits import Grants, Limits
from django_jobqueue.core.specs import WantedJobs


class Ahead:
    """What a claim within limits costs, three statements in a transaction of their own, is spared
    where it would meet no limit: after a look at everything that met none, `IN_A_ROW` claims go up
    to the first job under a limit, in one statement. It is never more than so many claims away; a
    look that found nothing leaves it at what the last one met.
    """

    IN_A_ROW = 10

    def __init__(self) -> None:
        self._left = 0
        self._meets_limits = True

    def of(self, wanted: Sequence[WantedJobs], limits: Limits) -> list[WantedJobs]:
        """Return what to claim so: the queues before the first that has a limit of its own."""
        if not self._left:
            return []
        self._left -= 1
        return list(takewhile(lambda one: one.queue not in limits.queues, wanted))

    def claimed(self, count: int, *, of: int) -> None:
        """So many were taken; where there was room for more, the next look is at everything."""
        if count < of:
            self._left = 0

    def looked(self, grants: Grants, *, met_limits: bool) -> None:
        """A look at everything came to this."""
        self._meets_limits = met_limits or not grants.claimed
        self.found_nothing()

    def found_nothing(self) -> None:
        """A look at everything saw no job at all."""
        self._left = 0 if self._meets_limits else self.IN_A_ROW
