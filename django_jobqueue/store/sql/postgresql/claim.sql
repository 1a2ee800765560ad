-- One index probe per queue: `queue = ANY(...)` with ORDER BY would sort the whole backlog.
-- ANY(ARRAY(...)) keeps the update an index walk; joined to a CTE, a batch of 500 scanned the whole table.
-- The outer LIMIT stops pulling, so rows beyond it are not locked; the queues are probed in the order given.
-- FOR KEY SHARE on the worker's row, not FOR SHARE: it keeps the reaper's FOR UPDATE off, and lets heartbeats pass.
-- Suspects, whose worker died while they ran, are for the quarantine, which asks for `rescues > 0`: few enough to walk past.
-- A job with a concurrency key is for the claim within limits, which picks first: this one asks for no permits.
-- Python tells the years 1 to 9999: one row with a time beyond them, or none, must not keep the others from being read.
-- statement_timestamp() is stable and may be compared through an index; written times are clock_timestamp().
WITH me AS MATERIALIZED (
    SELECT id FROM jobqueue_worker WHERE id = %(worker_id)s AND state = 'alive' FOR KEY SHARE
), wanted AS MATERIALIZED (
    -- In the order given: as a join, the planner would probe the queues in an order of its own.
    SELECT one.queue, one.free
    FROM unnest(%(queues)s::text[], %(limits)s::int[]) WITH ORDINALITY AS one (queue, free, place)
    WHERE NOT EXISTS (
        SELECT FROM jobqueue_queue AS paused
        WHERE paused.name = one.queue
            AND paused.paused_at IS NOT NULL
            AND (
                paused.paused_until IS NULL
                OR paused.paused_until > COALESCE(%(now)s::timestamptz, statement_timestamp())
            )
    )
    ORDER BY one.place
)
UPDATE jobqueue_job AS job
SET state = 'running',
    attempt = job.attempt + 1,
    worker_id = %(worker_id)s,
    claim_token = %(token)s,
    claimed_at = clock_timestamp(),
    attempted_at = NULL,
    -- For reapers, should this worker not react; a timeout that was edited by hand may be too long for an interval.
    deadline_at = CASE WHEN job.timeout_seconds BETWEEN 0 AND 3153600000
        THEN clock_timestamp() + make_interval(secs => job.timeout_seconds + %(overtime)s)
    END,
    unique_key = CASE WHEN job.unique_while = 'waiting' THEN NULL ELSE job.unique_key END
WHERE job.id = ANY(ARRAY(
    SELECT picked.id
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT id
        FROM jobqueue_job
        WHERE state = 'ready' AND queue = wanted.queue AND rescues = 0 AND concurrency_key IS NULL
        ORDER BY priority DESC, ready_at, id
        LIMIT wanted.free
        FOR UPDATE SKIP LOCKED
    ) AS picked
    WHERE EXISTS (SELECT FROM me)
    LIMIT %(total)s
))
RETURNING job.id, job.queue, job.handler, job.payload::text, job.priority, job.attempt, job.max_attempts,
    job.reprocess_count, job.rescues, job.claimed_at,
    CASE WHEN job.ready_at BETWEEN '0002-01-01' AND '9998-12-31' THEN job.ready_at ELSE job.claimed_at END,
    CASE WHEN job.created_at BETWEEN '0002-01-01' AND '9998-12-31' THEN job.created_at ELSE job.claimed_at END,
    COALESCE(job.expires_at <= COALESCE(%(now)s::timestamptz, statement_timestamp()), false),
    CASE WHEN job.ready_at BETWEEN '0002-01-01' AND '9998-12-31'
            AND job.created_at BETWEEN '0002-01-01' AND '9998-12-31' THEN NULL
        ELSE concat('ready_at ', COALESCE(job.ready_at::text, 'NULL'), ', created_at ', job.created_at)
    END AS unreadable,
    job.timeout_seconds, job.backoff::text, job.fingerprint, job.unique_key, job.concurrency_key,
    job.meta::text, job.tags::text, job.checkpoints::text, job.error::text, job.has_next, job.batch_id
