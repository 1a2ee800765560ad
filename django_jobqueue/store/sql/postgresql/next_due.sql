SELECT EXTRACT(EPOCH FROM run_at - COALESCE(%(now)s::timestamptz, clock_timestamp()))::float8
FROM jobqueue_job
WHERE state = 'scheduled'
ORDER BY run_at, id
LIMIT 1
