-- Which of these claims still hold, whether the job's cancellation was asked for, whether another waits for it, and its
-- batch. The write lock is held: what this says stays true until the transaction ends.
SELECT job.id, job.cancel_requested_at IS NOT NULL, job.has_next, job.batch_id
FROM json_each(%(rows)s) AS done
CROSS JOIN jobqueue_job AS job
WHERE job.id = json_extract(done.value, '$.id') AND job.claim_token = json_extract(done.value, '$.token')
