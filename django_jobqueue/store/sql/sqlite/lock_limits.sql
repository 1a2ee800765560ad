-- The transaction holds the lock of the whole database already.
SELECT kind, name, max_running, rate, rate_burst, set_at IS NOT NULL, next_at, COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
FROM jobqueue_limit
WHERE (kind, name) IN (
    SELECT json_extract(value, '$.kind'), json_extract(value, '$.name') FROM json_each(%(limits)s)
)
