"""The store on PostgreSQL: SKIP LOCKED claims, set-based moves, COPY and NOTIFY."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django.db import connections

from django_jobqueue.core.health import HeldSnapshot
from django_jobqueue.core.specs import (
    ClaimedJob,
    Inserted,
    NewJob,
    Promoted,
    WantedJobs,
)

from .base import OVERTIME
from .notifications import CHANNEL, Notifications
from .postgresql_arrays import quoted_array
from .postgresql_claims import ready_queues
from .postgresql_copy import copy_plain_jobs
from .postgresql_exchanges import PostgreSQLExchanges
from .postgresql_messages import can_send_message, send_message
from .postgresql_reads import reads_of_at_most
from .postgresql_workers import statement
from .sessions import PsycopgSession, Statement

NOTIFY = "SELECT pg_notify(%(channel)s, %(queue)s)"
#: A notification has a transaction id, and its commit would wait for the disk before anybody hears;
#: a crash that loses it loses the listeners, too.
_AT_ONCE = "set_config('synchronous_commit', 'off', true)"
NOTIFY_AT_ONCE = f"{NOTIFY}, {_AT_ONCE}"
#: In a message with the enqueue, which it must not fail. Where the queue of notifications is nearly
#: full, because somebody who listens has kept a transaction open, workers poll.
NOTIFY_UNLESS_FULL = (
    "SELECT CASE WHEN pg_notification_queue_usage() < 0.9 "
    f"THEN pg_notify(%(channel)s, %(queue)s) END, {_AT_ONCE}"
)


class PostgreSQLStore(PostgreSQLExchanges):
    """The production store. Without a session of its own it works on Django's connection, in the
    caller's transaction.
    """

    vendor = "postgresql"
    supports_notify = True
    supports_watermarks = True
    supports_dedicated_connection = True

    def dedicated(
        self, *, prepared: bool = True, suspects: bool = False, overtime: timedelta = OVERTIME
    ) -> Self:
        session = PsycopgSession(self.using, prepared=prepared)
        return type(self)(self.using, session=session, suspects=suspects, overtime=overtime)

    def notifications(self) -> Notifications | None:
        session = self.session
        return Notifications(session) if isinstance(session, PsycopgSession) else None

    def close(self) -> None:
        self.session.close()

    def reach(self) -> None:
        # Not on Django's connection, which waits for as long as the network does.
        session = PsycopgSession(self.using, prepared=False)
        with self.connection.wrap_database_errors:
            session.open()
        session.close()

    @contextmanager
    def connecting_within(self, seconds: int) -> Iterator[None]:
        wrapper = connections[self.using]  # of this thread alone, its settings are shared
        shared = wrapper.settings_dict
        options = {"connect_timeout": seconds, **shared.get("OPTIONS", {})}
        wrapper.settings_dict = {**shared, "OPTIONS": options}
        try:
            yield
        finally:
            wrapper.settings_dict = shared

    def reading(self, *, at_most: timedelta) -> AbstractContextManager[object]:
        return reads_of_at_most(at_most, using=self.using)

    def held_snapshot(self) -> HeldSnapshot | None:
        rows = self.session.rows(statement("held_snapshot"), {})
        return HeldSnapshot(*rows[0]) if rows else None

    # Reading and moving.

    def overdue(self, *, limit: int = 500, now: datetime | None = None) -> list[ClaimedJob]:
        rows = self.session.rows(statement("overdue"), {"limit": limit, "now": now})
        return [ClaimedJob(*row) for row in rows]

    def queues_with_ready_jobs(self, known: Sequence[WantedJobs] = ()) -> list[str]:
        look: Statement = (statement("suspect_queues"), {})
        if not self.suspects:
            look = ready_queues(known)
        return [queue for (queue,) in self.session.rows(*look)]

    def paused_queues(self, names: Collection[str]) -> set[str]:
        rows = self.session.rows(statement("paused_queues"), {"queues": quoted_array(names)})
        return {queue for (queue,) in rows}

    def promote(
        self, *, limit: int = 500, since: datetime | None = None, now: datetime | None = None
    ) -> Promoted:
        bounds = {"since": since, "now": now}
        promoted = self.session.rows(statement("promote"), {**bounds, "limit": limit})
        due = self.session.rows(statement("next_due"), bounds)
        return Promoted(
            queues=tuple(sorted(queue for queue, _, _ in promoted)),
            count=sum(count for _, count, _ in promoted),
            next_due_seconds=max(0.0, due[0][0]) if due else None,
            up_to=max((last for *_, last in promoted if last is not None), default=None),
        )

    def save_progress(
        self,
        job_id: int,
        token: UUID,
        *,
        progress: str | None = None,
        checkpoints: str | None = None,
    ) -> bool:
        told = {"id": job_id, "token": token, "progress": progress, "checkpoints": checkpoints}
        return self.session.changed(statement("save_progress"), told) == 1

    # Enqueueing and waking.

    def _insert_plain_many(self, jobs: Sequence[NewJob], now: datetime | None) -> list[int]:
        return copy_plain_jobs(connections[self.using], jobs, now)

    def insert_and_notify(self, new: NewJob) -> Inserted | None:
        if not can_send_message(self.connection):
            return None
        text, parameters = self.insertion(new, None)
        statements = ("BEGIN", text, "COMMIT", NOTIFY_UNLESS_FULL)
        _, [(job_id,)], *_ = send_message(
            self.connection, statements, {**parameters, "channel": CHANNEL}
        )
        return Inserted(id=job_id, created=True)

    def notify(self, queues: Sequence[str]) -> None:
        if not queues:
            return
        text = NOTIFY if self.session.is_in_transaction else NOTIFY_AT_ONCE
        for queue in queues:
            self.session.rows(text, {"channel": CHANNEL, "queue": queue})
