-- What runs past its deadline although its worker lives, as claimed_facts.sql tells of it; the index holds nothing but jobs
-- with one. None has expired: it was let run.
SELECT
    id, CAST(queue AS TEXT), CAST(handler AS TEXT), CAST(payload AS TEXT), CAST(priority AS INTEGER), attempt,
    CAST(max_attempts AS INTEGER), CAST(reprocess_count AS INTEGER), CAST(rescues AS INTEGER), CAST(claimed_at AS TEXT),
    ready_at || '+00:00', created_at || '+00:00',
    0 AS is_expired, NULL,
    CAST(timeout_seconds AS REAL), CAST(backoff AS TEXT), CAST(fingerprint AS TEXT),
    CAST(unique_key AS TEXT), CAST(concurrency_key AS TEXT),
    CAST(meta AS TEXT), CAST(tags AS TEXT), CAST(checkpoints AS TEXT), CAST(error AS TEXT), has_next, batch_id,
    claim_token, worker_id
FROM jobqueue_job
WHERE state = 'running' AND deadline_at < COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
ORDER BY deadline_at
LIMIT %(limit)s
