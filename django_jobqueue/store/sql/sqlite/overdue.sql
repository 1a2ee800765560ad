-- What runs past its deadline although its worker lives, as claim.sql answers it; the index holds nothing but jobs with one.
SELECT id, queue, handler, payload, CAST(priority AS INTEGER), attempt, CAST(max_attempts AS INTEGER),
    CAST(reprocess_count AS INTEGER), CAST(rescues AS INTEGER), claimed_at, CAST(ready_at AS TEXT), CAST(created_at AS TEXT),
    COALESCE(expires_at <= COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')), 0),
    CAST(timeout_seconds AS REAL), backoff, fingerprint, unique_key, concurrency_key, meta, tags, checkpoints, error, has_next, batch_id,
    claim_token, worker_id
FROM jobqueue_job
WHERE state = 'running' AND deadline_at < COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
ORDER BY deadline_at
LIMIT %(limit)s
