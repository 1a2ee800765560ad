SELECT id
FROM jobqueue_job
WHERE state = 'running' AND worker_id = %(worker_id)s AND cancel_requested_at IS NOT NULL
