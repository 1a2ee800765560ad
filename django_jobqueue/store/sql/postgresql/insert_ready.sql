-- One new job that is ready now, as most are, unless its unique key is taken: see `insert_one`, of which this is the short
-- form. It names no column that the job leaves at its default, which halves what the server does beside the INSERT itself.
INSERT INTO jobqueue_job (queue, run_at, max_attempts/* columns */)
VALUES (
    %(queue)s::text,
    statement_timestamp(),
    COALESCE(
        CASE WHEN %(max_attempts_is_default)s THEN (SELECT max_attempts FROM jobqueue_queue WHERE name = %(queue)s::text) END,
        %(max_attempts)s
    )/* values */
)
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id
