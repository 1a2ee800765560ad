"""Enqueueing: plain jobs, and the policies for a unique key that is taken."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from django.db.models import Case, DateTimeField, F, Value, When

from django_jobqueue.core.errors import DatabaseNotReady, UniqueConflict
from django_jobqueue.core.specs import Inserted, NewJob
from django_jobqueue.core.states import WAITING_STATES, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from . import sql
from .connected import ConnectedStore, Row
from .moving import stored_json

#: How often one enqueue may find its key taken, and the holder gone a moment later.
TRIES = 10
CHUNK = 1_000
#: Nobody waits longer; beyond it databases run out of years.
LONGEST_DELAY = timedelta(days=36_500).total_seconds()
_HOLDER = "SELECT id FROM jobqueue_job WHERE unique_key = %(unique_key)s"
_BLOCKED, _SCHEDULED = JobState.BLOCKED.value, JobState.SCHEDULED.value
_TIMES = ("run_at", "expires_at", "slot")
_NOT_STORED = ("unique_for", "on_conflict")
#: The database has the same defaults for those that are columns.
DEFAULTS = msgspec.structs.asdict(NewJob(handler=""))
#: What makes a job wait.
_NOT_READY = ("run_at", "delay", "waits_for")
_ALWAYS = ("queue", "max_attempts", "max_attempts_is_default")
_NAMED = (*_NOT_STORED, *_NOT_READY, *_ALWAYS)
#: What a job stores as it is, and may leave at its default.
OWN_COLUMNS = tuple(name for name in DEFAULTS if name not in _NAMED)
_own_values_of, _always_of = attrgetter(*OWN_COLUMNS), attrgetter(*_ALWAYS)
_wait_of = attrgetter(*_NOT_READY)
_NO_WAIT = tuple(DEFAULTS[name] for name in _NOT_READY)


class InsertingStore(ConnectedStore):
    """Inserts in the caller's transaction, which stays usable: a conflict is no database error."""

    def insert(self, new: NewJob, *, now: datetime | None = None) -> Inserted:
        if new.unique_key is not None and new.unique_for is not None:
            return self._insert_unless_recent(new, new.unique_key, new.unique_for, now)
        if new.unique_key is not None:
            return self._insert_unique(new, new.unique_key, now)
        [(job_id,)] = self._insert_one(new, now)
        return Inserted(id=job_id, created=True)

    def insert_many(self, jobs: Sequence[NewJob], *, now: datetime | None = None) -> list[Inserted]:
        if not jobs:
            return []
        plain = [new for new in jobs if new.unique_key is None]
        keyed = [new for new in jobs if new.unique_key is not None]
        created, found = list[Inserted](), list[Inserted]()
        with self.writing():
            if plain:
                ids = self._insert_plain_many(plain, now)
                created = [Inserted(id=job_id, created=True) for job_id in ids]
            if keyed:
                found = self._insert_keyed_many(keyed, now)
        if not (created and found):
            return created or found
        of_plain, of_keyed = iter(created), iter(found)
        return [next(of_plain if new.unique_key is None else of_keyed) for new in jobs]

    def _insert_plain_many(self, jobs: Sequence[NewJob], now: datetime | None) -> list[int]:
        """Store jobs without unique keys; return their ids in the order of `jobs`."""
        ids: list[int] = []
        for start in range(0, len(jobs), CHUNK):
            # Ids grow with the position, and RETURNING has no order.
            ids += sorted(row[0] for row in self._insert_rows(jobs[start : start + CHUNK], now))
        return ids

    def _insert_keyed_many(self, jobs: Sequence[NewJob], now: datetime | None) -> list[Inserted]:
        # Callers that lock the same keys in one order cannot deadlock; the sort is stable, so of
        # those that share a key the first still comes first.
        order = sorted(range(len(jobs)), key=lambda position: jobs[position].unique_key or "")
        in_order = [jobs[position] for position in order]
        if any(new.on_conflict != "skip" or new.unique_for is not None for new in jobs):
            one_by_one = [self.insert(new, now=now) for new in in_order]
            return [answer for _, answer in sorted(zip(order, one_by_one, strict=True))]
        created: dict[str | None, int] = {}
        for start in range(0, len(in_order), CHUNK):
            rows = self._insert_rows(in_order[start : start + CHUNK], now)
            created.update({key: job_id for job_id, key in rows})
        answers = []
        for new in jobs:
            # Of those that share a key the first took it; popped, so that the others ask for it.
            job_id = created.pop(new.unique_key, None)
            answers.append(
                self.insert(new, now=now) if job_id is None else Inserted(id=job_id, created=True)
            )
        return answers

    def _insert_rows(self, jobs: Sequence[NewJob], now: datetime | None) -> list[Row]:
        """Store the jobs whose key is free or None; return their (id, unique key), in no order."""
        filled = _columns_filled_by(jobs)
        columns = tuple(name for name in filled if name in OWN_COLUMNS)
        text = sql.insert(self.vendor, columns)
        rows = msgspec.json.encode(self._facts_of(jobs, filled)).decode()
        return self.rows(text, {"jobs": rows, "now": self._text_or_none(now)})

    def _insert_one(self, new: NewJob, now: datetime | None) -> list[Row]:
        """Store a job unless its key is taken; return its id, in a row."""
        return self.write_alone(*self.insertion(new, now))

    def insertion(self, new: NewJob, now: datetime | None) -> tuple[str, dict[str, Any]]:
        """Return the statement that stores a job, and its parameters."""
        if now is not None or _wait_of(new) != _NO_WAIT:
            return sql.load(self.vendor, "insert_one"), self.insert_parameters(new, now)
        # A driver looks at every parameter, used or not.
        values = zip(OWN_COLUMNS, _own_values_of(new), strict=True)
        row = {name: value for name, value in values if value != DEFAULTS[name]}
        text = sql.insert_ready(self.vendor, tuple(row))
        for name in _TIMES:
            if name in row:
                row[name] = self.time_text(row[name])
        row.update(zip(_ALWAYS, _always_of(new), strict=True))
        return text, row

    def insert_parameters(self, new: NewJob, now: datetime | None) -> dict[str, Any]:
        """Return the parameters of the statement `insert_one`."""
        row = msgspec.structs.asdict(new)
        for name in _NOT_STORED:
            del row[name]
        for name in _TIMES:
            row[name] = self._text_or_none(row[name])
        row["delay"] = bounded_delay(new.delay)
        row["now"] = self._text_or_none(now)
        return row

    def _facts_of(self, jobs: Sequence[NewJob], names: Sequence[str]) -> list[dict[str, Any]]:
        values_of = attrgetter(*names)
        rows = [dict(zip(names, values_of(new), strict=True)) for new in jobs]
        times = [name for name in _TIMES if name in names]
        for position, row in enumerate(rows):
            row["position"] = position
            for name in times:
                row[name] = self._text_or_none(row[name])
            if "delay" in row:
                row["delay"] = bounded_delay(row["delay"])
        return rows

    def _text_or_none(self, moment: datetime | None) -> str | None:
        return None if moment is None else self.time_text(moment)

    # Unique keys.

    def _insert_unique(self, new: NewJob, key: str, now: datetime | None) -> Inserted:
        for _ in range(TRIES):
            if rows := self._insert_one(new, now):
                return Inserted(id=rows[0][0], created=True)
            holder = self._live_holder(key)
            if holder is None:
                continue  # it became final between the two statements
            if new.on_conflict == "raise":
                raise UniqueConflict(key, holder)
            if new.on_conflict != "replace":
                return Inserted(id=holder, created=False)
            replaced = self._replace_waiting(holder, new, key, now)
            return Inserted(id=holder, created=False, replaced=replaced)
        raise DatabaseNotReady(
            f"the unique key {key!r} was taken and freed {TRIES} times while one job was enqueued"
        )

    def _live_holder(self, key: str) -> int | None:
        rows = self.execute(_HOLDER, {"unique_key": key})
        return rows[0][0] if rows else None

    def _insert_unless_recent(
        self, new: NewJob, key: str, window: timedelta, now: datetime | None
    ) -> Inserted:
        """Insert first, and look at history in a later statement: no move in between is missed."""
        try:
            with self.writing():
                inserted = self._insert_unique(new, key, now)
                if inserted.created:
                    self._refuse_recent(key, (now or self.database_now()) - window)
                return inserted
        except _FinishedRecently as found:
            if new.on_conflict == "raise":
                raise UniqueConflict(key, found.job_id) from None
            return Inserted(id=found.job_id, created=False)

    def _refuse_recent(self, key: str, since: datetime) -> None:
        for final in (ArchivedJob, DeadJob):
            rows = final._default_manager.using(self.using).filter(
                unique_key=key, finished_at__gt=self.storable_time(since)
            )
            found = rows.order_by("-finished_at").values_list("id", flat=True).first()
            if found is not None:
                raise _FinishedRecently(found)

    def _replace_waiting(self, holder: int, new: NewJob, key: str, now: datetime | None) -> bool:
        clock = now or self.database_now()
        due = max(new.run_at or clock, clock + timedelta(seconds=bounded_delay(new.delay)))
        state = JobState.SCHEDULED if due > clock else JobState.READY
        at = Value(self.storable_time(clock), output_field=DateTimeField())
        row = Job.objects.using(self.using).filter(
            pk=holder, unique_key=key, state__in=[waiting.value for waiting in WAITING_STATES]
        )
        changed = row.update(
            payload=stored_json(new.payload),
            fingerprint=new.fingerprint,
            priority=new.priority,
            run_at=self.storable_time(due),
            # What a blocked job waits for is not its time.
            state=Case(When(state=_BLOCKED, then=Value(_BLOCKED)), default=Value(state.value)),
            # A job that stays ready keeps its place: a stream of replacements must not starve it.
            ready_at=Case(When(state=_SCHEDULED, then=at), default=F("ready_at")),
        )
        return changed > 0


def _columns_filled_by(jobs: Sequence[NewJob]) -> tuple[str, ...]:
    """The columns that not all of the jobs leave at their defaults, and those without defaults."""
    filled = [
        name
        for name in (*_NOT_READY, *OWN_COLUMNS)
        if any(getattr(new, name) != DEFAULTS[name] for new in jobs)
    ]
    return (*_ALWAYS, *filled)


class _FinishedRecently(Exception):
    """Rolls back the job that was inserted although its key was used within the window."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id)
        self.job_id = job_id


def bounded_delay(seconds: float) -> float:
    """Return a delay that can be added to a time: not negative, not NaN, at most a century."""
    return min(seconds, LONGEST_DELAY) if seconds > 0 else 0.0
