INSERT INTO jobqueue_worker (
    id, state, host, pid, version, queues, handlers, concurrency, running, started_at, heartbeat_at, lease_expires_at
)
VALUES (
    %(worker_id)s, 'alive', %(host)s, %(pid)s, %(version)s, %(queues)s, %(handlers)s, %(concurrency)s, 0,
    strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'), strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'),
    strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds')
)
