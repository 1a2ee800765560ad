-- Any number of new jobs; one whose unique key is taken is left out, without an error that would end the caller's
-- transaction. Ids grow with the position. WHERE true: without it SQLite reads ON as the beginning of a join.
WITH clock AS MATERIALIZED (
    SELECT COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) AS at
), new AS MATERIALIZED (
    SELECT new.key AS position,
        new.value AS job,
        clock.at AS clock,
        MAX(
            COALESCE(json_extract(new.value, '$.run_at'), clock.at),
            CASE WHEN json_extract(new.value, '$.delay') > 0
                THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', clock.at, json_extract(new.value, '$.delay') || ' seconds')
                ELSE clock.at
            END
        ) AS due
    FROM json_each(%(jobs)s) AS new, clock
)
INSERT INTO jobqueue_job (
    state, run_at, ready_at, created_at, handler, queue, priority, payload, expires_at, max_attempts, timeout_seconds,
    backoff, fingerprint, unique_key, unique_while, concurrency_key, key_limit, tags, meta, batch_id,
    template, schedule, slot, requeued_from, waits_for, result_as, on_failure, has_next
)
SELECT CASE WHEN json_extract(job, '$.waits_for') IS NOT NULL THEN 'blocked' WHEN due <= clock THEN 'ready' ELSE 'scheduled' END,
    due, clock, clock,
    json_extract(job, '$.handler'), json_extract(job, '$.queue'), json_extract(job, '$.priority'),
    json_extract(job, '$.payload'), json_extract(job, '$.expires_at'),
    COALESCE(
        CASE WHEN json_extract(job, '$.max_attempts_is_default')
            THEN (SELECT max_attempts FROM jobqueue_queue WHERE name = json_extract(job, '$.queue'))
        END,
        json_extract(job, '$.max_attempts')
    ),
    json_extract(job, '$.timeout_seconds'), json_extract(job, '$.backoff'), json_extract(job, '$.fingerprint'),
    json_extract(job, '$.unique_key'), json_extract(job, '$.unique_while'), json_extract(job, '$.concurrency_key'),
    json_extract(job, '$.key_limit'), json_extract(job, '$.tags'), json_extract(job, '$.meta'), json_extract(job, '$.batch_id'),
    json_extract(job, '$.template'), json_extract(job, '$.schedule'), json_extract(job, '$.slot'),
    json_extract(job, '$.requeued_from'), json_extract(job, '$.waits_for'), json_extract(job, '$.result_as'),
    json_extract(job, '$.on_failure'), json_extract(job, '$.has_next')
FROM new
WHERE true
ORDER BY position
ON CONFLICT (unique_key) DO NOTHING
RETURNING id, unique_key
