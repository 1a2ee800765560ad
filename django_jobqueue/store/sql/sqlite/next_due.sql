-- The first entry of the index on run_at. A text that is no time is due or not as promote.sql compares it.
SELECT CASE
    WHEN run_at <= COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) THEN 0.0
    ELSE (julianday(run_at) - julianday(COALESCE(%(now)s, 'now'))) * 86400.0
END
FROM jobqueue_job
WHERE state = 'scheduled' AND run_at IS NOT NULL
ORDER BY run_at, id
LIMIT 1
