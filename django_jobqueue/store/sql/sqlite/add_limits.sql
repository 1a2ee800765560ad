-- Rows to lock, for limits that have none. WHERE true: without it SQLite reads ON as the beginning of a join.
INSERT INTO jobqueue_limit (kind, name, max_running, rate, rate_burst)
SELECT json_extract(value, '$.kind'), json_extract(value, '$.name'), json_extract(value, '$.max_running'),
    json_extract(value, '$.rate'), json_extract(value, '$.rate_burst')
FROM json_each(%(limits)s)
WHERE true
ON CONFLICT (kind, name) DO NOTHING
