-- For jobs that end without a claim. A notification is sent when its transaction has committed.
SELECT pg_notify('django_jobqueue_waiters', job_id::text)
FROM jobqueue_waiter
WHERE job_id = ANY(%(ids)s::bigint[])
