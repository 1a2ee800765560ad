-- The limits that block jobs, one index probe each, however many jobs they block.
WITH RECURSIVE blocking AS (
    (
        SELECT blocked_by
        FROM jobqueue_job
        WHERE state = 'blocked' AND blocked_by IS NOT NULL
        ORDER BY blocked_by
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT job.blocked_by
        FROM jobqueue_job AS job
        WHERE job.state = 'blocked' AND job.blocked_by IS NOT NULL AND job.blocked_by > blocking.blocked_by
        ORDER BY job.blocked_by
        LIMIT 1
    )
    FROM blocking
    WHERE blocking.blocked_by IS NOT NULL
)
SELECT blocked_by FROM blocking WHERE blocked_by IS NOT NULL
