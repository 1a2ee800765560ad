-- One new job, unless its unique key is taken: that is no error, which would end the caller's transaction. A row that
-- another transaction is inserting under the same key is waited for.
-- Apart from `insert`, whose rows come as JSON: planning and running that takes the server about three times as long as
-- this, and a subselect for the clock half as long again. So the clock is written out, and is the same wherever it is.
-- statement_timestamp(), not now(): the caller's transaction may be long.
INSERT INTO jobqueue_job (
    state,
    run_at,
    ready_at, created_at,
    handler, queue, priority, payload, expires_at,
    max_attempts,
    timeout_seconds, backoff, fingerprint, unique_key, unique_while, concurrency_key, key_limit, tags, meta, batch_id,
    template, schedule, slot, requeued_from, waits_for, result_as, on_failure, has_next
)
VALUES (
    CASE
        WHEN %(waits_for)s::bigint IS NOT NULL THEN 'blocked'
        WHEN make_interval(secs => %(delay)s) > interval '0' THEN 'scheduled'
        WHEN %(run_at)s::timestamptz > COALESCE(%(now)s::timestamptz, statement_timestamp()) THEN 'scheduled'
        ELSE 'ready'
    END,
    GREATEST(
        %(run_at)s::timestamptz,
        COALESCE(%(now)s::timestamptz, statement_timestamp()) + make_interval(secs => %(delay)s)
    ),
    COALESCE(%(now)s::timestamptz, statement_timestamp()), COALESCE(%(now)s::timestamptz, statement_timestamp()),
    %(handler)s, %(queue)s::text, %(priority)s, %(payload)s::jsonb, %(expires_at)s,
    COALESCE(
        CASE WHEN %(max_attempts_is_default)s THEN (SELECT max_attempts FROM jobqueue_queue WHERE name = %(queue)s::text) END,
        %(max_attempts)s
    ),
    %(timeout_seconds)s, %(backoff)s::jsonb, %(fingerprint)s, %(unique_key)s, %(unique_while)s, %(concurrency_key)s,
    %(key_limit)s, %(tags)s::jsonb, %(meta)s::jsonb, %(batch_id)s, %(template)s, %(schedule)s, %(slot)s,
    %(requeued_from)s, %(waits_for)s::bigint, %(result_as)s, %(on_failure)s, %(has_next)s
)
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL DO NOTHING
RETURNING id
