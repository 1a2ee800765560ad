-- The first jobs that one limit blocks, in order; they return to their places in line.
UPDATE jobqueue_job AS job
SET state = 'ready', blocked_by = NULL
WHERE job.id = ANY(ARRAY(
    SELECT id
    FROM jobqueue_job
    WHERE state = 'blocked' AND blocked_by = %(blocked_by)s
    ORDER BY priority DESC, ready_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
))
RETURNING queue
