-- Nobody waits for the disk, as in keep_waiters.sql.
DELETE FROM jobqueue_waiter
USING set_config('synchronous_commit', 'off', true)
WHERE job_id = ANY(%(ids)s::bigint[]) AND waiter = %(waiter)s::uuid
