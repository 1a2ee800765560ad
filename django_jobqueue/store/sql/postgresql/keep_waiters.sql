-- Committed before its waiter looks at the job: a finish that begins later finds the row.
INSERT INTO jobqueue_waiter (job_id, waiter, lease_expires_at)
SELECT job_id, %(waiter)s::uuid, clock_timestamp() + make_interval(secs => %(lease)s)
FROM unnest(%(ids)s::bigint[]) AS job_id
ON CONFLICT (job_id, waiter) DO UPDATE SET lease_expires_at = excluded.lease_expires_at
