-- One new job, unless its unique key is taken: that is no error. Apart from `insert`, which reads every value out of JSON
-- anew. WHERE true: without it SQLite reads ON as the beginning of a join.
INSERT INTO jobqueue_job (
    state, run_at, ready_at, created_at, handler, queue, priority, payload, expires_at,
    max_attempts,
    timeout_seconds, backoff, fingerprint, unique_key, unique_while, concurrency_key, key_limit, tags, meta, batch_id,
    template, schedule, slot, requeued_from, waits_for, result_as, on_failure, has_next
)
SELECT CASE WHEN %(waits_for)s IS NOT NULL THEN 'blocked' WHEN due <= clock THEN 'ready' ELSE 'scheduled' END,
    due, clock, clock, %(handler)s, %(queue)s, %(priority)s, %(payload)s, %(expires_at)s,
    COALESCE(
        CASE WHEN %(max_attempts_is_default)s THEN (SELECT max_attempts FROM jobqueue_queue WHERE name = %(queue)s) END,
        %(max_attempts)s
    ),
    %(timeout_seconds)s, %(backoff)s, %(fingerprint)s, %(unique_key)s, %(unique_while)s, %(concurrency_key)s,
    %(key_limit)s, %(tags)s, %(meta)s, %(batch_id)s, %(template)s, %(schedule)s, %(slot)s,
    %(requeued_from)s, %(waits_for)s, %(result_as)s, %(on_failure)s, %(has_next)s
FROM (
    SELECT clock,
        MAX(
            COALESCE(%(run_at)s, clock),
            CASE WHEN %(delay)s > 0 THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', clock, %(delay)s || ' seconds') ELSE clock END
        ) AS due
    FROM (SELECT COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) AS clock)
)
WHERE true
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id
