-- Jobs of a dead worker whose cancellation was asked for: (id, claim_token) for archive.sql.
SELECT id, claim_token
FROM jobqueue_job
WHERE state = 'running' AND worker_id = %(worker_id)s AND cancel_requested_at IS NOT NULL
ORDER BY id
FOR UPDATE
