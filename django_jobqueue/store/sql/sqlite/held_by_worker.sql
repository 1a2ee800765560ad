SELECT id, claim_token, queue, cancel_requested_at IS NOT NULL
FROM jobqueue_job
WHERE state = 'running' AND worker_id = %(worker_id)s
ORDER BY id
LIMIT %(limit)s
