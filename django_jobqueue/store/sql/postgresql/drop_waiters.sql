DELETE FROM jobqueue_waiter
WHERE job_id = ANY(%(ids)s::bigint[]) AND waiter = %(waiter)s::uuid
