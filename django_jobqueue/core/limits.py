"""Limits across workers, and what a claim may take under them: pure, for both databases."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from .rates import Rate

#: The most jobs of one limit that become ready again in one look.
SWEEP = 500


class LimitKind(StrEnum):
    """What a limit counts: the jobs of a queue, of a handler, or of a concurrency key."""

    QUEUE = "queue"
    HANDLER = "handler"
    KEY = "key"


class LimitName(msgspec.Struct, frozen=True, order=True):
    """Names one limit; its text is what a blocked job says it is blocked by."""

    kind: LimitKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> "LimitName":
        """Read what `str` wrote."""
        kind, _, name = text.partition(":")
        return cls(LimitKind(kind), name)


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many at once, so often; None is no limit. `rate_burst` is how many may start at
    the same moment after a quiet time.
    """

    max_running: int | None = None
    rate: str | None = None
    rate_burst: int = 1

    @property
    def says_anything(self) -> bool:
        return self.max_running is not None or self.rate is not None


class HandlerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is declared of one handler. `name` is its own: a job may know it by an alias.

    `key_limit` holds for each of its concurrency keys, unless the job has its own number.
    """

    name: str
    concurrency: int | None = None  #: within one process
    limit: Limit = Limit()
    key_limit: Limit = Limit(max_running=1)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim has to keep to. `handlers` has an entry for each name and alias.

    `rooms` says how many more jobs of a handler this process can take, by the handler's own name;
    `limited_room` how many more jobs under any limit across workers. `refused` is told in how many
    seconds a queue that was refused by its rate may be asked again, `passed_over` whenever jobs
    behind one that is left where it stands may be taken, `left_behind` in which queues the claim
    has not looked at all that it could take.
    """

    handlers: Mapping[str, HandlerLimits] = {}
    queues: Mapping[str, Limit] = {}
    rooms: Mapping[str, int] = {}
    limited_room: int | None = None
    refused: Callable[[float], object] = lambda seconds: None
    passed_over: Callable[[], object] = lambda: None
    left_behind: Callable[[Sequence[str]], object] = lambda queues: None

    def after(self, grants: "Grants") -> "Limits":
        """Return what is left of these once so much was granted."""
        rooms = {name: room - grants.taken.get(name, 0) for name, room in self.rooms.items()}
        left = None if self.limited_room is None else self.limited_room - grants.limited
        return msgspec.structs.replace(self, rooms=rooms, limited_room=left)

    def own_name(self, handler: str) -> str:
        """Return the name under which a handler's limit is kept, of any of its names."""
        declared = self.handlers.get(handler)
        return handler if declared is None else declared.name

    def saturated(self) -> list[str]:
        """Return every name of the handlers of which this process can take no more."""
        return [name for name, one in self.handlers.items() if self.rooms.get(one.name, 1) <= 0]


class Candidate(msgspec.Struct, frozen=True):
    """A ready job that is locked by a claim. The field order is the column order of the pick."""

    id: int
    queue: str
    handler: str
    key: str | None
    key_limit: int | None

    def limits(self, known: Limits) -> list[tuple[LimitName, Limit]]:
        """Return the limits it is under as they are declared, in the order they are taken."""
        found = []
        if (queue := known.queues.get(self.queue)) is not None:
            found.append((LimitName(LimitKind.QUEUE, self.queue), queue))
        declared = known.handlers.get(self.handler)
        if declared is not None and declared.limit.says_anything:
            found.append((LimitName(LimitKind.HANDLER, declared.name), declared.limit))
        if self.key is not None:
            of_key = HandlerLimits(name="").key_limit if declared is None else declared.key_limit
            if self.key_limit is not None:
                of_key = msgspec.structs.replace(of_key, max_running=self.key_limit)
            found.append((LimitName(LimitKind.KEY, self.key), of_key))
        return found


class Usage(msgspec.Struct):
    """One limit as a claim finds it, locked; it changes as the claim takes from it.

    `next_at` is when the next start is due under its rate, were they evenly spread.
    """

    limit: Limit
    running: int = 0
    next_at: datetime | None = None
    is_changed: bool = False
    is_set: bool = False  #: by an operator, whatever the code declares

    def holds_for(self, declared: Limit) -> bool:
        """Whether this is what holds for a job of which so much is declared."""
        return self.is_set or self.limit == declared

    def refuses(self, now: datetime) -> float | None:
        """Return None if one more may start; else in how many seconds it may, 0 where nobody
        knows: somebody has to end first.
        """
        if self.limit.max_running is not None and self.running >= self.limit.max_running:
            return 0.0
        return self.due_in(now) or None

    def due_in(self, now: datetime) -> float:
        """Seconds until its rate lets another start."""
        if self.limit.rate is None or self.next_at is None:
            return 0.0
        ahead = (self.next_at - now).total_seconds()
        return max(0.0, ahead - (self.limit.rate_burst - 1) * self.spacing)

    def room(self, now: datetime) -> int:
        """Return how many may start now; a lifted limit lets in as many as one look moves."""
        room = SWEEP
        if self.limit.max_running is not None:
            room = min(room, max(0, self.limit.max_running - self.running))
        if self.limit.rate is not None:
            room = min(room, self._starts_due(now))
        return room

    def _starts_due(self, now: datetime) -> int:
        if self.next_at is None or self.next_at <= now:
            return self.limit.rate_burst
        ahead = (self.next_at - now).total_seconds()
        return max(0, self.limit.rate_burst - math.ceil(ahead / self.spacing))

    @property
    def spacing(self) -> float:
        """Seconds from one start to the next under its rate; 0 without one."""
        return 0.0 if self.limit.rate is None else Rate.parse("rate", self.limit.rate).spacing

    def take(self, now: datetime) -> None:
        """One more starts."""
        self.running += 1
        if self.limit.rate is not None:
            earliest = now if self.next_at is None else max(now, self.next_at)
            self.next_at = earliest + timedelta(seconds=self.spacing)
            self.is_changed = True


class Grants(msgspec.Struct):
    """What came of one pick: the jobs to claim, those to block and by what, and who was left."""

    claimed: list[int] = []
    blocked: dict[int, LimitName] = {}
    full_queues: set[str] = set()
    full_handlers: set[str] = set()  #: of which this process can take no more
    taken: dict[str, int] = {}  #: by handler, of those that have a limit
    limited: int = 0

    @property
    def may_hide_others(self) -> bool:
        """Whether jobs were refused behind which there may be some that would not be."""
        return bool(self.blocked or self.full_queues or self.full_handlers)


def grant(
    candidates: Sequence[Candidate],
    *,
    known: Limits,
    usages: Mapping[LimitName, Usage],
    now: datetime,
) -> Grants:
    """Go through the candidates in order; each gets all its permits or none.

    A full queue is left, whole; a job that its handler or its key refuses is blocked.
    """
    grants = Grants()
    for candidate in candidates:
        if candidate.queue in grants.full_queues:
            continue
        names = [name for name, _ in candidate.limits(known) if usages[name].limit.says_anything]
        declared = known.handlers.get(candidate.handler)
        if _lacks_room(declared, known, grants, is_limited=bool(names)):
            known.passed_over()
            continue
        refusing = [
            (name, wait) for name in names if (wait := usages[name].refuses(now)) is not None
        ]
        if not refusing:
            _take(candidate, declared, names, usages, now, grants)
        elif refusing[0][0].kind is LimitKind.QUEUE:
            grants.full_queues.add(candidate.queue)
            if refusing[0][1]:
                known.refused(refusing[0][1])
        else:
            grants.blocked[candidate.id] = refusing[0][0]
    return grants


def _lacks_room(
    declared: HandlerLimits | None, known: Limits, grants: Grants, *, is_limited: bool
) -> bool:
    """Whether this process can take no more of its kind: it is left for others."""
    if is_limited and known.limited_room is not None and grants.limited >= known.limited_room:
        return True
    room = None if declared is None else known.rooms.get(declared.name)
    if declared is None or room is None or grants.taken.get(declared.name, 0) < room:
        return False
    grants.full_handlers.add(declared.name)
    return True


def _take(
    candidate: Candidate,
    declared: HandlerLimits | None,
    names: Collection[LimitName],
    usages: Mapping[LimitName, Usage],
    now: datetime,
    grants: Grants,
) -> None:
    for name in names:
        usages[name].take(now)
    grants.claimed.append(candidate.id)
    grants.limited += bool(names)
    if declared is not None:
        grants.taken[declared.name] = grants.taken.get(declared.name, 0) + 1


class Unblocked(msgspec.Struct, frozen=True, kw_only=True):
    """How many blocked jobs became ready, in which queues, and in how many seconds a rate lets the
    next one start (None: none known); `rated` are the limits that bound a rate.
    """

    queues: tuple[str, ...] = ()
    count: int = 0
    next_due_seconds: float | None = None
    rated: tuple[LimitName, ...] = ()


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is set for one queue; `backoff` is its JSON text."""

    concurrency: int | None = None
    limit: Limit = Limit()
    backoff: str | None = None


class LimitsInForce(msgspec.Struct, frozen=True, kw_only=True):
    """What the database knows of limits: the queues that have settings, the handlers for which an
    operator has set a limit, and whether any job has a concurrency key.
    """

    queues: Mapping[str, QueueSettings] = {}
    handlers: Mapping[str, Limit] = {}
    has_keys: bool = False

    def backoff_of(self, queue: str) -> str | None:
        """Return the JSON text of the backoff that is set for a queue."""
        settings = self.queues.get(queue)
        return None if settings is None else settings.backoff
