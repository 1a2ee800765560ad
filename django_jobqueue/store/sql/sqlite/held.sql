-- Which of these claims still hold, whether the job's cancellation was asked for, whether another waits for it, and its
-- batch, as one JSON text: see claimed_facts.sql. The write lock is held: what this says stays true until the transaction ends.
SELECT json_group_array(
    json_array(job.id, job.claim_token, job.cancel_requested_at IS NOT NULL, job.has_next, job.batch_id)
)
FROM json_each(%(claims)s) AS claim
CROSS JOIN json_each(claim.value) AS done
CROSS JOIN jobqueue_job AS job
WHERE job.id = done.value AND job.claim_token = claim.key
