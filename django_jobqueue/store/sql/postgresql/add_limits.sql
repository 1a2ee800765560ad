-- Rows to lock, for limits that have none. In one order, so that two claims which add the same rows cannot deadlock.
INSERT INTO jobqueue_limit (kind, name, max_running, rate, rate_burst)
SELECT kind, name, max_running, rate, rate_burst
FROM json_to_recordset(%(limits)s::json) AS one (kind text, name text, max_running int, rate text, rate_burst int)
ORDER BY kind, name
ON CONFLICT (kind, name) DO NOTHING
