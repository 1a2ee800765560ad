-- What is set at run time, besides what the code declares; and, if that is asked, whether any job has a concurrency key:
-- beside an old snapshot that meets all that ever had one.
SELECT 'queue', name, concurrency, max_running, rate, rate_burst, backoff::text
FROM jobqueue_queue
WHERE concurrency IS NOT NULL OR max_running IS NOT NULL OR rate IS NOT NULL OR backoff IS NOT NULL
UNION ALL
SELECT 'handler', name, NULL, max_running, rate, rate_burst, NULL
FROM jobqueue_limit
WHERE kind = 'handler' AND set_at IS NOT NULL
UNION ALL
SELECT 'key', '', NULL, NULL, NULL, 1, NULL
WHERE %(keys)s::boolean AND EXISTS (SELECT 1 FROM jobqueue_job WHERE concurrency_key IS NOT NULL)
