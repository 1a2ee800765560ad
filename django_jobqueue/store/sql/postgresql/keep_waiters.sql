-- Committed before its waiter looks at the job: a finish that begins later finds the row. It needs not survive a crash of the
-- server, which no waiter survives, so nobody waits for the disk.
INSERT INTO jobqueue_waiter (job_id, waiter, lease_expires_at)
SELECT job_id, %(waiter)s::uuid, clock_timestamp() + make_interval(secs => %(lease)s)
FROM unnest(%(ids)s::bigint[]) AS job_id, set_config('synchronous_commit', 'off', true)
ON CONFLICT (job_id, waiter) DO UPDATE SET lease_expires_at = excluded.lease_expires_at
