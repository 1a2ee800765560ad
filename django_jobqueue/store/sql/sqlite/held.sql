-- Which of these claims still hold, and whether the job's cancellation was asked for. The write lock is held: what this
-- says stays true until the transaction ends.
SELECT job.id, job.cancel_requested_at IS NOT NULL
FROM json_each(%(rows)s) AS done
CROSS JOIN jobqueue_job AS job
WHERE job.id = json_extract(done.value, '$.id') AND job.claim_token = json_extract(done.value, '$.token')
