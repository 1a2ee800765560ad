-- Due jobs, the earliest first; they join the tail of their priority.
-- From `since` on: while somebody holds an old snapshot, all that was promoted before left dead entries in the index.
WITH due AS MATERIALIZED (
    SELECT id
    FROM jobqueue_job
    WHERE state = 'scheduled'
        AND run_at >= COALESCE(%(since)s::timestamptz, '-infinity')
        AND run_at <= COALESCE(%(now)s::timestamptz, statement_timestamp())
    ORDER BY run_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), promoted AS (
    UPDATE jobqueue_job AS job
    SET state = 'ready', ready_at = clock_timestamp()
    WHERE job.id = ANY(ARRAY(SELECT id FROM due))
    RETURNING job.queue, job.run_at
)
-- Python tells the years 1 to 9999.
SELECT queue, count(*), max(run_at) FILTER (WHERE run_at >= '0002-01-01') FROM promoted GROUP BY queue
