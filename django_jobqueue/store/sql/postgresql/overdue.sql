-- What runs past its deadline although its worker lives, as claim.sql answers it; the index holds nothing but jobs with one.
-- None has expired: it was let run.
SELECT job.id, job.queue, job.handler, job.payload::text, job.priority, job.attempt, job.max_attempts,
    job.reprocess_count, job.rescues, job.claimed_at,
    CASE WHEN job.ready_at BETWEEN '0002-01-01' AND '9998-12-31' THEN job.ready_at ELSE job.claimed_at END,
    CASE WHEN job.created_at BETWEEN '0002-01-01' AND '9998-12-31' THEN job.created_at ELSE job.claimed_at END,
    false AS is_expired,
    CASE WHEN job.ready_at BETWEEN '0002-01-01' AND '9998-12-31'
            AND job.created_at BETWEEN '0002-01-01' AND '9998-12-31' THEN NULL
        ELSE concat('ready_at ', COALESCE(job.ready_at::text, 'NULL'), ', created_at ', job.created_at)
    END AS unreadable,
    job.timeout_seconds, job.backoff::text, job.fingerprint, job.unique_key, job.concurrency_key,
    job.meta::text, job.tags::text, job.checkpoints::text, job.error::text, job.has_next, job.batch_id,
    job.claim_token, job.worker_id
FROM jobqueue_job AS job
WHERE job.state = 'running' AND job.deadline_at < COALESCE(%(now)s::timestamptz, statement_timestamp())
ORDER BY job.deadline_at
LIMIT %(limit)s
