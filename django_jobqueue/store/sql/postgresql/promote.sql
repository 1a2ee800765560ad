-- Due jobs, the earliest first; they join the tail of their priority.
WITH due AS MATERIALIZED (
    SELECT id
    FROM jobqueue_job
    WHERE state = 'scheduled' AND run_at <= COALESCE(%(now)s::timestamptz, statement_timestamp())
    ORDER BY run_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), promoted AS (
    UPDATE jobqueue_job AS job
    SET state = 'ready', ready_at = clock_timestamp()
    WHERE job.id = ANY(ARRAY(SELECT id FROM due))
    RETURNING job.queue
)
SELECT queue, count(*) FROM promoted GROUP BY queue
