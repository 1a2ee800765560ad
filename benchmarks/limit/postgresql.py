"""The limit on PostgreSQL: a loop that claims and moves batches, threads that call the handlers."""

import threading
from queue import SimpleQueue
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
import psycopg

from benchmarks.databases import bare_postgresql

from . import BATCH, QUEUE, THREADS, Handlers, call, moved_columns

REGISTER = """
INSERT INTO jobqueue_worker (id, lease_expires_at)
VALUES (%(worker)s, clock_timestamp() + interval '1 hour')
"""
# The ids go in as an array: joined to a CTE, a batch of 500 scans the whole table.
CLAIM = """
WITH me AS MATERIALIZED (
    SELECT FROM jobqueue_worker WHERE id = %(worker)s AND state = 'alive' FOR KEY SHARE
)
UPDATE jobqueue_job
SET state = 'running', attempt = attempt + 1, worker_id = %(worker)s, claim_token = %(token)s,
    claimed_at = clock_timestamp(), attempted_at = clock_timestamp()
WHERE id = ANY(ARRAY(
    SELECT picked.id
    FROM unnest(%(queues)s::text[]) AS wanted (queue)
    CROSS JOIN LATERAL (
        SELECT id FROM jobqueue_job
        WHERE state = 'ready' AND queue = wanted.queue
        ORDER BY priority DESC, ready_at, id
        LIMIT %(free)s
        FOR UPDATE SKIP LOCKED
    ) AS picked
    WHERE EXISTS (SELECT FROM me)
        AND NOT EXISTS (
            SELECT FROM jobqueue_queue WHERE name = wanted.queue AND paused_at IS NOT NULL
        )
))
RETURNING id, handler, payload::text
"""
# The ids are said twice: with the join alone, the prepared plan is quadratic in the batch.
FINISH = """
WITH done AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS done (done_id, done_token)
), gone AS (
    DELETE FROM jobqueue_job USING done
    WHERE id = ANY(%(ids)s::bigint[]) AND id = done_id AND claim_token = done_token
    RETURNING {columns}
)
INSERT INTO jobqueue_archivedjob ({columns}, state, finished_at)
SELECT {columns}, 'succeeded', clock_timestamp() FROM gone
"""


class Claimed(NamedTuple):
    id: int
    handler: str
    payload: str
    token: UUID


class Threads:
    """Threads that call handlers, and what they have done since it was last taken."""

    def __init__(self, handlers: Handlers) -> None:
        self.one_done = threading.Event()
        self._handlers = handlers
        self._todo: SimpleQueue[Claimed] = SimpleQueue()
        self._done: list[Claimed] = []
        for _ in range(THREADS):
            threading.Thread(target=self._run, daemon=True).start()

    def give(self, jobs: list[Claimed]) -> None:
        for job in jobs:
            self._todo.put(job)

    def take_done(self) -> list[Claimed]:
        """Return what was done, in the order of ids, so that rows are locked in one order."""
        done = self._done[:]
        del self._done[: len(done)]
        return sorted(done)

    def _run(self) -> None:
        decode = msgspec.json.decode
        while True:
            job = self._todo.get()
            call(self._handlers, job.handler, decode(job.payload))
            self._done.append(job)
            self.one_done.set()


def drain(handlers: Handlers) -> None:
    """Run every ready job of the queue, and return."""
    with bare_postgresql() as connection:
        connection.prepare_threshold = 0
        worker = uuid4()
        connection.execute(REGISTER, {"worker": worker})
        exchange = Exchange(connection, worker=worker)
        threads, held, is_empty = Threads(handlers), 0, False
        while held or not is_empty:
            threads.one_done.clear()
            done = threads.take_done()
            held -= len(done)
            free = 0 if is_empty else min(2 * BATCH - held, BATCH)
            # A small claim costs as much as a large one.
            wanted = free if free >= BATCH // 2 else 0
            if done or wanted:
                claimed = exchange(done, wanted)
                is_empty, held = is_empty or (wanted > 0 and not claimed), held + len(claimed)
                threads.give(claimed)
            if held:
                threads.one_done.wait(0.05)


class Exchange:
    """Writes what is done and claims what is wanted: one round trip, and one commit."""

    def __init__(self, connection: psycopg.Connection[Any], *, worker: UUID) -> None:
        self._connection, self._worker = connection, worker
        self._finish = FINISH.format(columns=moved_columns()).encode()

    def __call__(self, done: list[Claimed], wanted: int) -> list[Claimed]:
        connection, token, rows = self._connection, uuid4(), None
        with connection.pipeline(), connection.transaction():
            if done:
                ids, tokens = [job.id for job in done], [job.token for job in done]
                connection.execute(self._finish, {"ids": ids, "tokens": tokens})
            if wanted:
                claim = {"worker": self._worker, "token": token, "queues": [QUEUE], "free": wanted}
                rows = connection.execute(CLAIM, claim)
        return [Claimed(job_id, handler, payload, token) for job_id, handler, payload in rows or ()]
