-- Any number of new jobs; one whose unique key is taken is left out, without an error that would end the caller's
-- transaction. A row that another transaction is inserting under the same key is waited for.
-- clock_timestamp(), not now(): the caller's transaction may be long.
WITH clock AS MATERIALIZED (
    SELECT COALESCE(%(now)s::timestamptz, clock_timestamp()) AS at
), new AS MATERIALIZED (
    SELECT job.*, clock.at AS clock,
        GREATEST(job.run_at, clock.at + make_interval(secs => GREATEST(job.delay, 0))) AS due
    FROM clock,
        json_to_recordset(%(jobs)s::json) AS job (
            position int, handler text, queue text, priority smallint, payload text, run_at timestamptz, delay float8,
            expires_at timestamptz, max_attempts int, max_attempts_is_default boolean, timeout_seconds float8, backoff text, fingerprint text,
            unique_key text, unique_while text, concurrency_key text, key_limit int, tags text, meta text, batch_id bigint,
            template text, schedule text, slot timestamptz, requeued_from bigint,
            waits_for bigint, result_as text, on_failure text, has_next boolean
        )
)
INSERT INTO jobqueue_job (
    state, run_at, ready_at, created_at, handler, queue, priority, payload, expires_at, max_attempts, timeout_seconds,
    backoff, fingerprint, unique_key, unique_while, concurrency_key, key_limit, tags, meta, batch_id,
    template, schedule, slot, requeued_from, waits_for, result_as, on_failure, has_next
)
SELECT CASE WHEN waits_for IS NOT NULL THEN 'blocked' WHEN due <= clock THEN 'ready' ELSE 'scheduled' END, due, clock, clock,
    handler, queue, priority, payload::jsonb, expires_at,
    COALESCE(
        CASE WHEN max_attempts_is_default THEN (SELECT max_attempts FROM jobqueue_queue WHERE name = new.queue) END,
        max_attempts
    ),
    timeout_seconds,
    backoff::jsonb, fingerprint, unique_key, unique_while, concurrency_key, key_limit, tags::jsonb, meta::jsonb, batch_id,
    template, schedule, slot, requeued_from, waits_for, result_as, on_failure, has_next
FROM new
ORDER BY position
ON CONFLICT (unique_key) DO NOTHING
RETURNING id, unique_key
