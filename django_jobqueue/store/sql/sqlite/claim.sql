-- One index probe per queue: the inner SELECT stops at its LIMIT, and an IN list of queues would sort the whole backlog.
-- LIMIT may name no column, so each queue is read up to the largest limit, and cut by position.
-- Suspects, whose worker died while they ran, are for the quarantine, which asks for `rescues > 0`: few enough to walk past.
-- A job with a concurrency key is for the claim within limits, which picks first: this one asks for no permits.
-- json_each is what SQLite has for LATERAL: the JSON list of one queue's head, unfolded again beside its queue.
-- CAST: whatever its column is declared as, a value that was edited by hand may be of any type. As plain columns, times
-- would be parsed by the driver, and one that cannot be would keep the others from being read.
UPDATE jobqueue_job
SET state = 'running',
    attempt = attempt + 1,
    worker_id = %(worker_id)s,
    claim_token = %(token)s,
    claimed_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'),
    attempted_at = NULL,
    -- For reapers, should this worker not react; a timeout that was edited by hand may be a text, which is more than any number.
    deadline_at = CASE WHEN timeout_seconds BETWEEN 0 AND 3153600000
        THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', printf('%%.3f seconds', timeout_seconds + %(overtime)s))
    END,
    unique_key = CASE WHEN unique_while = 'waiting' THEN NULL ELSE unique_key END
WHERE id IN (
    SELECT picked.value
    FROM json_each(%(wanted)s) AS wanted
    CROSS JOIN json_each((
        SELECT json_group_array(head.id)
        FROM (
            SELECT ready.id
            FROM jobqueue_job AS ready
            WHERE ready.state = 'ready' AND ready.queue = json_extract(wanted.value, '$[0]') AND ready.rescues = 0
                AND ready.concurrency_key IS NULL
            ORDER BY ready.priority DESC, ready.ready_at, ready.id
            LIMIT %(most)s
        ) AS head
    )) AS picked
    WHERE picked.key < json_extract(wanted.value, '$[1]')
        AND EXISTS (SELECT 1 FROM jobqueue_worker WHERE id = %(worker_id)s AND state = 'alive')
        AND NOT EXISTS (
            SELECT 1
            FROM jobqueue_queue AS paused
            WHERE paused.name = json_extract(wanted.value, '$[0]')
                AND paused.paused_at IS NOT NULL
                AND (
                    paused.paused_until IS NULL
                    OR paused.paused_until > COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
                )
        )
    ORDER BY wanted.key, picked.key
    LIMIT %(total)s
)
RETURNING id, queue, handler, payload, CAST(priority AS INTEGER), attempt, CAST(max_attempts AS INTEGER),
    CAST(reprocess_count AS INTEGER), CAST(rescues AS INTEGER), claimed_at, CAST(ready_at AS TEXT), CAST(created_at AS TEXT),
    COALESCE(expires_at <= COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')), 0),
    CAST(timeout_seconds AS REAL), backoff, fingerprint, unique_key, concurrency_key, meta, tags, checkpoints, error, has_next, batch_id
