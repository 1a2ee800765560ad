-- The heads of the queues: which of them may run is decided before they are claimed by their ids, under the same lock.
-- One index probe per queue, as in claim.sql. Handlers of which this process can take no more are passed over.
SELECT job.id, job.queue, job.handler, job.concurrency_key, job.key_limit
FROM json_each(%(wanted)s) AS wanted
CROSS JOIN json_each((
    SELECT json_group_array(head.id)
    FROM (
        SELECT ready.id
        FROM jobqueue_job AS ready
        WHERE ready.state = 'ready' AND ready.queue = json_extract(wanted.value, '$[0]') AND ready.rescues = 0
            AND ready.handler NOT IN (SELECT value FROM json_each(%(saturated)s))
        ORDER BY ready.priority DESC, ready.ready_at, ready.id
        LIMIT %(total)s
    ) AS head
)) AS picked
JOIN jobqueue_job AS job ON job.id = picked.value
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
