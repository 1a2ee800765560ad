-- Any number of new jobs; one whose unique key is taken is left out, without an error that would end the caller's
-- transaction. Ids grow with the position. Only columns that some of them fill are read and named: each look into the JSON
-- costs. WHERE true: without it SQLite reads ON as the beginning of a join.
WITH clock AS MATERIALIZED (
    SELECT COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) AS at
), new AS MATERIALIZED (
    SELECT new.key AS position,
        new.value AS job,
        clock.at AS clock,
        json_extract(new.value, '$.run_at') AS run_at,
        json_extract(new.value, '$.delay') AS delay
    FROM json_each(%(jobs)s) AS new, clock
), timed AS (
    SELECT new.*,
        MAX(
            COALESCE(run_at, clock),
            CASE WHEN delay > 0 THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', clock, delay || ' seconds') ELSE clock END
        ) AS due
    FROM new
)
INSERT INTO jobqueue_job (state, run_at, ready_at, created_at, queue, max_attempts, waits_for/* columns */)
SELECT CASE WHEN json_extract(job, '$.waits_for') IS NOT NULL THEN 'blocked' WHEN due <= clock THEN 'ready' ELSE 'scheduled' END,
    due, clock, clock, json_extract(job, '$.queue'),
    COALESCE(
        CASE WHEN json_extract(job, '$.max_attempts_is_default')
            THEN (SELECT max_attempts FROM jobqueue_queue WHERE name = json_extract(job, '$.queue'))
        END,
        json_extract(job, '$.max_attempts')
    ),
    json_extract(job, '$.waits_for')/* values */
FROM timed
WHERE true
ORDER BY position
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id, unique_key
