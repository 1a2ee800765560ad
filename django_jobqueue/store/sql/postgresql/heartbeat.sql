-- One row per worker, whatever it runs. Zero rows: a reaper declared this worker dead.
UPDATE jobqueue_worker
SET lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s),
    heartbeat_at = clock_timestamp(),
    running = %(running)s
WHERE id = %(worker_id)s AND state = 'alive'
RETURNING stop_requested_at IS NOT NULL
