"""What there is to do for the duties of a host, as one look finds it."""

from datetime import datetime

import msgspec


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Whether jobs are ready, and whether suspects are; in how many seconds the first scheduled job
    and the first slot of a schedule are due, 0 where one is late, None where there is none; whether
    jobs wait for others or for limits, or batches for their members; and whether workers have died,
    or jobs run past their deadlines.

    A later look may begin at `up_to`, where the store heeds that.
    """

    has_ready: bool = False
    has_suspects: bool = False
    scheduled_seconds: float | None = None
    slot_seconds: float | None = None
    has_waiting: bool = False
    has_lost: bool = False
    up_to: datetime | None = None
