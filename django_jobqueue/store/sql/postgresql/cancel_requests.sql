-- Of what the worker has claimed since the last heartbeat looked, and of what it holds. These one by one: beside an old
-- snapshot, the index by worker has a dead entry for all that it has run.
SELECT id
FROM jobqueue_job
WHERE state = 'running' AND worker_id = %(worker_id)s AND cancel_requested_at IS NOT NULL
    AND claimed_at >= COALESCE(%(since)s::timestamptz, '-infinity')
UNION
SELECT job.id
FROM unnest(%(ids)s::bigint[]) AS held (id)
CROSS JOIN LATERAL (
    SELECT id, worker_id, cancel_requested_at
    FROM jobqueue_job
    WHERE id = held.id
    OFFSET 0 -- else the other conditions would choose the index
) AS job
WHERE job.worker_id = %(worker_id)s AND job.cancel_requested_at IS NOT NULL
