-- Never is no time to wait for, and before version 17 nothing could be subtracted from it.
SELECT EXTRACT(EPOCH FROM run_at - COALESCE(%(now)s::timestamptz, clock_timestamp()))::float8
FROM jobqueue_job
WHERE state = 'scheduled' AND isfinite(run_at) AND run_at >= COALESCE(%(since)s::timestamptz, '-infinity')
ORDER BY run_at, id
LIMIT 1
