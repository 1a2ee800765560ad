-- One row per worker, whatever it runs. Zero rows: a reaper declared this worker dead. One that has nothing under its name
-- needs no further look at its jobs. From `since` on, as reconcile.sql.
UPDATE jobqueue_worker
SET lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s),
    heartbeat_at = clock_timestamp(),
    running = %(running)s
WHERE id = %(worker_id)s AND state = 'alive'
RETURNING stop_requested_at IS NOT NULL,
    EXISTS (
        SELECT FROM jobqueue_job
        WHERE state = 'running' AND worker_id = %(worker_id)s
            AND claimed_at >= COALESCE(%(since)s::timestamptz, '-infinity')
    ),
    transaction_timestamp() - make_interval(secs => %(after)s)
