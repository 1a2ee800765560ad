UPDATE jobqueue_job
SET progress = COALESCE(%(progress)s::jsonb, progress),
    checkpoints = COALESCE(%(checkpoints)s::jsonb, checkpoints)
WHERE id = %(id)s AND claim_token = %(token)s
