-- The limits that block jobs, one index probe each, however many jobs they block.
WITH RECURSIVE blocking AS (
    SELECT min(blocked_by) AS blocked_by
    FROM jobqueue_job
    WHERE state = 'blocked' AND blocked_by IS NOT NULL
    UNION ALL
    SELECT (
        SELECT min(job.blocked_by)
        FROM jobqueue_job AS job
        WHERE job.state = 'blocked' AND job.blocked_by IS NOT NULL AND job.blocked_by > blocking.blocked_by
    )
    FROM blocking
    WHERE blocking.blocked_by IS NOT NULL
)
SELECT blocked_by FROM blocking WHERE blocked_by IS NOT NULL
