"""The limit on SQLite: bare statements, one transaction to claim a batch and one to move it."""

import sqlite3
from uuid import uuid4

import msgspec

from benchmarks.databases import bare_sqlite

from . import BATCH, QUEUE, Handlers, call, moved_columns

NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
REGISTER = f"INSERT INTO jobqueue_worker (id, lease_expires_at) VALUES (:worker, {NOW})"
CLAIM = f"""
UPDATE jobqueue_job
SET state = 'running', attempt = attempt + 1, worker_id = :worker, claim_token = :token,
    claimed_at = {NOW}, attempted_at = {NOW}
WHERE id IN (
    SELECT id FROM jobqueue_job
    WHERE state = 'ready' AND queue = :queue
        AND EXISTS (SELECT 1 FROM jobqueue_worker WHERE id = :worker AND state = 'alive')
        AND NOT EXISTS (SELECT 1 FROM jobqueue_queue WHERE name = :queue AND paused_at IS NOT NULL)
    ORDER BY priority DESC, ready_at, id
    LIMIT :batch
)
RETURNING id, handler, payload
"""
HELD = "id IN (SELECT value FROM json_each(:ids)) AND claim_token = :token"
ARCHIVE = f"""
INSERT INTO jobqueue_archivedjob ({{columns}}, state, finished_at)
SELECT {{columns}}, 'succeeded', {NOW} FROM jobqueue_job WHERE {HELD}
"""
DROP = f"DELETE FROM jobqueue_job WHERE {HELD}"


def drain(handlers: Handlers) -> None:
    """Run every ready job of the queue, and return."""
    connection = bare_sqlite()
    worker, archive = uuid4().hex, ARCHIVE.format(columns=moved_columns())
    connection.execute(REGISTER, {"worker": worker})
    while claimed := _claim(connection, worker, token := uuid4().hex):
        for _, handler, payload in claimed:
            call(handlers, handler, msgspec.json.decode(payload))
        ids = msgspec.json.encode([job_id for job_id, *_ in claimed]).decode()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(archive, {"ids": ids, "token": token})
        connection.execute(DROP, {"ids": ids, "token": token})
        connection.execute("COMMIT")
    connection.close()


def _claim(connection: sqlite3.Connection, worker: str, token: str) -> list[tuple[int, str, str]]:
    wanted = {"worker": worker, "token": token, "queue": QUEUE, "batch": BATCH}
    connection.execute("BEGIN IMMEDIATE")
    claimed = connection.execute(CLAIM, wanted).fetchall()
    connection.execute("COMMIT")
    return claimed
