-- The heads of the queues, locked: which of them may run is decided before they are claimed by their ids.
-- One index probe per queue, as in claim.sql. Handlers of which this process can take no more are passed over.
WITH me AS MATERIALIZED (
    SELECT id FROM jobqueue_worker WHERE id = %(worker_id)s AND state = 'alive' FOR KEY SHARE
), wanted AS MATERIALIZED (
    SELECT one.queue, one.free
    FROM unnest(%(queues)s::text[], %(limits)s::int[]) WITH ORDINALITY AS one (queue, free, place)
    WHERE NOT EXISTS (
        SELECT FROM jobqueue_queue AS paused
        WHERE paused.name = one.queue
            AND paused.paused_at IS NOT NULL
            AND (
                paused.paused_until IS NULL
                OR paused.paused_until > COALESCE(%(now)s::timestamptz, statement_timestamp())
            )
    )
    ORDER BY one.place
)
SELECT picked.id, picked.queue, picked.handler, picked.concurrency_key, picked.key_limit
FROM wanted
CROSS JOIN LATERAL (
    SELECT id, queue, handler, concurrency_key, key_limit
    FROM jobqueue_job
    WHERE state = 'ready' AND queue = wanted.queue AND rescues = 0
        AND handler <> ALL(%(saturated)s::text[])
    ORDER BY priority DESC, ready_at, id
    LIMIT wanted.free
    FOR UPDATE SKIP LOCKED
) AS picked
WHERE EXISTS (SELECT FROM me)
LIMIT %(total)s
