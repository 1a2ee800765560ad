-- The first entry of the index on run_at.
SELECT (julianday(run_at) - julianday(COALESCE(%(now)s, 'now'))) * 86400.0
FROM jobqueue_job
WHERE state = 'scheduled'
ORDER BY run_at, id
LIMIT 1
