-- What a claim answers of the jobs that it is about to take, in their order, as one JSON text: for each row of an answer
-- the driver lets go of the interpreter, and other threads take it for as long as they are let.
-- CAST: whatever its column is declared as, a value that was edited by hand may be of any type. MIN: JSON has no infinity.
-- The zone stands behind the clock, not in its format: a clock that a test has stopped stands in the place of strftime.
SELECT json_group_array(json_array(
    job.id, CAST(queue AS TEXT), CAST(handler AS TEXT), CAST(payload AS TEXT), CAST(priority AS INTEGER), attempt + 1,
    CAST(max_attempts AS INTEGER), CAST(reprocess_count AS INTEGER), CAST(rescues AS INTEGER), clock,
    ready_at || '+00:00', created_at || '+00:00',
    COALESCE(expires_at <= COALESCE(%(now)s, clock), 0), NULL,
    MIN(CAST(timeout_seconds AS REAL), 1e308), CAST(backoff AS TEXT), CAST(fingerprint AS TEXT),
    CASE WHEN unique_while <> 'waiting' THEN CAST(unique_key AS TEXT) END, CAST(concurrency_key AS TEXT),
    CAST(meta AS TEXT), CAST(tags AS TEXT), CAST(checkpoints AS TEXT), CAST(error AS TEXT), has_next, batch_id
))
FROM json_each(/* ids */) AS ahead
CROSS JOIN jobqueue_job AS job
CROSS JOIN (SELECT strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') || '+00:00' AS clock)
WHERE job.id = ahead.value
