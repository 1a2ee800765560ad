-- Any number of new jobs; one whose unique key is taken is left out, without an error that would end the caller's
-- transaction. A row that another transaction is inserting under the same key is waited for.
-- Only columns that some of them fill are read and named: to read all of them out of the JSON takes twice as long.
-- clock_timestamp(), not now(): the caller's transaction may be long.
WITH clock AS MATERIALIZED (
    SELECT COALESCE(%(now)s::timestamptz, clock_timestamp()) AS at
), new AS MATERIALIZED (
    SELECT job.*, clock.at AS clock,
        GREATEST(job.run_at, clock.at + make_interval(secs => COALESCE(job.delay, 0))) AS due
    FROM clock,
        json_to_recordset(%(jobs)s::json) AS job (
            position int, queue text, max_attempts int, max_attempts_is_default boolean,
            run_at timestamptz, delay float8, waits_for bigint/* definitions */
        )
)
INSERT INTO jobqueue_job (state, run_at, ready_at, created_at, queue, max_attempts, waits_for/* columns */)
SELECT CASE WHEN new.waits_for IS NOT NULL THEN 'blocked' WHEN new.due <= new.clock THEN 'ready' ELSE 'scheduled' END,
    new.due, new.clock, new.clock, new.queue, COALESCE(asked.max_attempts, new.max_attempts), new.waits_for/* values */
FROM new
LEFT JOIN jobqueue_queue AS asked ON asked.name = new.queue AND new.max_attempts_is_default
ORDER BY new.position
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id, unique_key
