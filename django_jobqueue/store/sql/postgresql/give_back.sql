-- What a worker that is gone had not started: nobody is to blame, the place in line is kept.
UPDATE jobqueue_job
SET state = 'ready', attempt = attempt - 1,
    claim_token = NULL, worker_id = NULL, claimed_at = NULL, deadline_at = NULL
WHERE state = 'running' AND worker_id = %(worker_id)s AND cancel_requested_at IS NULL
RETURNING id, queue
