-- What a claim takes, as a JSON list of ids in the order in which they run; only with the write lock held.
-- One index probe per queue: the inner SELECT stops at its LIMIT, and an IN list of queues would sort the whole backlog.
-- LIMIT may name no column, so each queue is read up to the largest limit, and cut by position.
-- Suspects, whose worker died while they ran, are for the quarantine, which asks for `rescues > 0`: few enough to walk past.
-- A job with a concurrency key is for the claim within limits, which picks first: this one asks for no permits.
-- json_each is what SQLite has for LATERAL: the JSON list of one queue's head, unfolded again beside its queue.
SELECT json_group_array(ahead.id)
FROM (
    SELECT picked.value AS id
    FROM json_each(%(wanted)s) AS wanted
    CROSS JOIN json_each((
        SELECT json_group_array(head.id)
        FROM (
            SELECT ready.id
            FROM jobqueue_job AS ready
            WHERE ready.state = 'ready' AND ready.queue = json_extract(wanted.value, '$[0]') AND ready.rescues = 0
                AND ready.concurrency_key IS NULL
            ORDER BY ready.priority DESC, ready.ready_at, ready.id
            LIMIT %(most)s
        ) AS head
    )) AS picked
    WHERE picked.key < json_extract(wanted.value, '$[1]')
        AND EXISTS (SELECT 1 FROM jobqueue_worker WHERE id = %(worker_id)s AND state = 'alive')
        AND NOT EXISTS (
            SELECT 1
            FROM jobqueue_queue AS paused
            WHERE paused.name = json_extract(wanted.value, '$[0]')
                AND paused.paused_at IS NOT NULL
                AND (
                    paused.paused_until IS NULL
                    OR paused.paused_until > COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
                )
        )
    ORDER BY wanted.key, picked.key
    LIMIT %(total)s
) AS ahead
