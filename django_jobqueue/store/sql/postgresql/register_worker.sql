INSERT INTO jobqueue_worker (
    id, state, host, pid, version, queues, handlers, concurrency, started_at, heartbeat_at, lease_expires_at
)
VALUES (
    %(worker_id)s, 'alive', %(host)s, %(pid)s, %(version)s, %(queues)s::jsonb, %(handlers)s::jsonb, %(concurrency)s,
    clock_timestamp(), clock_timestamp(), clock_timestamp() + make_interval(secs => %(lease)s)
)
