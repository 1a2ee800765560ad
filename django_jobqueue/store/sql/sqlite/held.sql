-- Which of these claims still hold, whether the job's cancellation was asked for, and whether another waits for it. The write lock is held: what this
-- says stays true until the transaction ends.
SELECT job.id, job.cancel_requested_at IS NOT NULL, job.has_next
FROM json_each(%(rows)s) AS done
CROSS JOIN jobqueue_job AS job
WHERE job.id = json_extract(done.value, '$.id') AND job.claim_token = json_extract(done.value, '$.token')
