-- One row per worker, whatever it runs. Zero rows: a reaper declared this worker dead.
-- The time itself: in RETURNING, SQLite 3.40 answers `IS NOT NULL` with 1 for a column that is NULL.
UPDATE jobqueue_worker
SET lease_expires_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds'),
    heartbeat_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'),
    running = %(running)s
WHERE id = %(worker_id)s AND state = 'alive'
RETURNING stop_requested_at
