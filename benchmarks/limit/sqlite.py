"""The limit on SQLite: bare statements, one transaction that moves a batch and claims the next."""

import sqlite3
from uuid import uuid4

import msgspec

from benchmarks.databases import bare_sqlite

from . import BATCH, QUEUE, Handlers, call, moved_columns

NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"
REGISTER = f"INSERT INTO jobqueue_worker (id, lease_expires_at) VALUES (:worker, {NOW})"
HEADS = """
SELECT id, handler, payload FROM jobqueue_job
WHERE state = 'ready' AND queue = :queue
    AND EXISTS (SELECT 1 FROM jobqueue_worker WHERE id = :worker AND state = 'alive')
    AND NOT EXISTS (SELECT 1 FROM jobqueue_queue WHERE name = :queue AND paused_at IS NOT NULL)
ORDER BY priority DESC, ready_at, id
LIMIT :batch
"""
CLAIM = f"""
UPDATE jobqueue_job
SET state = 'running', attempt = attempt + 1, worker_id = :worker, claim_token = :token,
    claimed_at = {NOW}, attempted_at = {NOW}
WHERE id IN (SELECT value FROM json_each(:ids))
"""
HELD = "id IN (SELECT value FROM json_each(:ids)) AND claim_token = :token"
ARCHIVE = f"""
INSERT INTO jobqueue_archivedjob ({{columns}}, state, finished_at)
SELECT {{columns}}, 'succeeded', {NOW} FROM jobqueue_job WHERE {HELD}
"""
DROP = f"DELETE FROM jobqueue_job WHERE {HELD}"
Job = tuple[int, str, str]


def drain(handlers: Handlers) -> None:
    """Run every ready job of the queue, and return."""
    connection = bare_sqlite()
    worker, archive = uuid4().hex, ARCHIVE.format(columns=moved_columns())
    connection.execute(REGISTER, {"worker": worker})
    connection.execute("BEGIN IMMEDIATE")
    claimed, held = _claim(connection, worker)
    connection.execute("COMMIT")
    while claimed:
        for _, handler, payload in claimed:
            call(handlers, handler, msgspec.json.decode(payload))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(archive, held)
        connection.execute(DROP, held)
        claimed, held = _claim(connection, worker)
        connection.execute("COMMIT")
    connection.close()


def _claim(connection: sqlite3.Connection, worker: str) -> tuple[list[Job], dict[str, str]]:
    wanted = {"worker": worker, "queue": QUEUE, "batch": BATCH}
    claimed = connection.execute(HEADS, wanted).fetchall()
    ids = msgspec.json.encode([job_id for job_id, *_ in claimed]).decode()
    held = {"ids": ids, "token": uuid4().hex}
    connection.execute(CLAIM, {**held, "worker": worker})
    return claimed, held
