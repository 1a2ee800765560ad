-- The next of jobs that have succeeded, which follow.sql has found under this very write lock: ready, or scheduled for their
-- time, with the result where they take it.
WITH clock AS MATERIALIZED (
    SELECT COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) AS at
)
UPDATE jobqueue_job
SET state = CASE WHEN run_at > (SELECT at FROM clock) THEN 'scheduled' ELSE 'ready' END,
    ready_at = (SELECT at FROM clock),
    payload = CASE
        WHEN result_as IS NULL THEN payload
        ELSE json_set(
            payload,
            '$.kwargs."' || result_as || '"',
            json((SELECT result FROM jobqueue_archivedjob WHERE id = jobqueue_job.waits_for))
        )
    END
WHERE id IN (SELECT value FROM json_each(%(ids)s))
RETURNING id, handler, queue, state, batch_id
