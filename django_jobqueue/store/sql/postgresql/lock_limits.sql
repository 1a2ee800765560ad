-- In one order, so that two claims which need the same permits cannot deadlock. What is counted comes in a later
-- statement: its snapshot sees what the holder of the lock before has committed.
SELECT kind, name, max_running, rate, rate_burst, set_at IS NOT NULL, next_at, COALESCE(%(now)s::timestamptz, clock_timestamp())
FROM jobqueue_limit
WHERE (kind, name) IN (SELECT kind, name FROM json_to_recordset(%(limits)s::json) AS one (kind text, name text))
ORDER BY kind, name
FOR UPDATE
