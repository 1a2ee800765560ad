"""How a worker stands, from what this process knows of it; nothing here asks the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from django_jobqueue.service import HealthStatus

from .membership import Membership


class Claimer(Protocol):
    """A process that claims jobs."""

    @property
    def membership(self) -> Membership: ...

    @property
    def is_polling(self) -> bool: ...

    @property
    def is_retiring(self) -> bool: ...

    @property
    def in_hand(self) -> int: ...


class ThisProcess(NamedTuple):
    """The one that runs everything."""

    membership: Membership
    is_polling: bool
    is_retiring: bool = False
    in_hand: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Counts of processes that claim jobs, by what they do, and of the jobs that they hold; the age
    of the oldest heartbeat of those that do not retire, in seconds; and, unless the worker is
    ready, why it is not.
    """

    why_not_ready: str | None
    starting: int = 0
    polling: int = 0
    retiring: int = 0
    in_hand: int = 0
    heartbeat_age: float | None = None


def standing_of(claimers: Sequence[Claimer], *, service: HealthStatus) -> Standing:
    """Return how a worker stands whose `service` says this of itself."""
    serving = [one for one in claimers if not one.is_retiring]
    polling = [one for one in serving if one.is_polling]
    ages = [
        one.membership.moment() - renewed_at
        for one in serving
        if (renewed_at := one.membership.renewed_at) is not None
    ]
    return Standing(
        why_not_ready=_why_not_ready(polling, service),
        starting=len(serving) - len(polling),
        polling=len(polling),
        retiring=len(claimers) - len(serving),
        in_hand=sum(one.in_hand for one in claimers),
        heartbeat_age=max(ages, default=None),
    )


def _why_not_ready(polling: Sequence[Claimer], service: HealthStatus) -> str | None:
    if service is HealthStatus.NOT_READY:
        return "preconditions do not hold"
    if not service.is_healthy:
        return "stopping"
    if not polling:
        return "no process looks for jobs"
    if not any(one.membership.may_claim() for one in polling):
        return "heartbeats are overdue"
    return None
