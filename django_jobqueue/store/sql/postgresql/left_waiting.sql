-- One stretch of what is waited for: whether each of these jobs is live no more. Usually none is.
SELECT waits_for, NOT EXISTS (SELECT FROM jobqueue_job AS before WHERE before.id = waiting.waits_for)
FROM (
    SELECT waits_for
    FROM jobqueue_job
    WHERE state = 'blocked' AND blocked_by IS NULL AND waits_for > %(after)s
    ORDER BY waits_for
    LIMIT %(limit)s
) AS waiting
