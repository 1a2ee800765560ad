-- A run ended, or was given back, and the job lives on. Times are texts of one format, so that they compare as texts.
WITH clock AS MATERIALIZED (
    SELECT COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) AS at
), done AS MATERIALIZED (
    SELECT json_extract(value, '$.id') AS id,
        json_extract(value, '$.token') AS token,
        json_extract(value, '$.keeps_place') AS keeps_place,
        json_extract(value, '$.ended') AS ended,
        COALESCE(json_extract(value, '$.attempt_change'), 0) AS attempt_change,
        COALESCE(json_extract(value, '$.reprocess_change'), 0) AS reprocess_change,
        COALESCE(json_extract(value, '$.rescue_change'), 0) AS rescue_change,
        json_extract(value, '$.error') AS error,
        replace(rtrim(json_extract(value, '$.attempted_at'), 'Z'), 'T', ' ') AS attempted_at,
        clock.at AS clock,
        MAX(
            COALESCE(json_extract(value, '$.run_at'), clock.at),
            CASE WHEN json_extract(value, '$.delay') > 0
                THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', clock.at, json_extract(value, '$.delay') || ' seconds')
                ELSE clock.at
            END
        ) AS next_at
    FROM json_each(%(rows)s), clock
)
UPDATE jobqueue_job AS job
SET state = CASE WHEN done.next_at <= done.clock THEN 'ready' ELSE 'scheduled' END,
    run_at = CASE WHEN done.keeps_place THEN job.run_at ELSE done.next_at END,
    ready_at = CASE WHEN done.keeps_place THEN job.ready_at ELSE done.clock END,
    attempt = MAX(0, job.attempt + done.attempt_change),
    reprocess_count = job.reprocess_count + done.reprocess_change,
    rescues = CASE WHEN done.ended THEN 0 ELSE job.rescues + done.rescue_change END,
    error = NULLIF(COALESCE(done.error, job.error), 'null'),
    attempted_at = COALESCE(done.attempted_at, job.attempted_at),
    claim_token = NULL, worker_id = NULL, claimed_at = NULL, deadline_at = NULL
FROM done
WHERE job.id = done.id AND job.claim_token = done.token
