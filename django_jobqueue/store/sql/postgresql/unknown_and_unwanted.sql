-- As reconcile.sql, but its cancellation was asked for: (id, claim_token) for archive.sql.
SELECT job.id, job.claim_token
FROM jobqueue_job AS job
WHERE job.state = 'running'
    AND job.worker_id = %(worker_id)s
    AND job.cancel_requested_at IS NOT NULL
    AND job.claimed_at >= COALESCE(%(since)s::timestamptz, '-infinity')
    AND job.claimed_at < transaction_timestamp() - make_interval(secs => %(after)s)
    AND NOT EXISTS (
        SELECT FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS held (id, token)
        WHERE held.id = job.id AND held.token = job.claim_token
    )
