-- For how many seconds the first job of each queue has been ready. The first of each priority is one
-- entry of the index; MIN(ready_at) alone would read the backlog.
WITH RECURSIVE head (queue, id) AS (
    SELECT wanted.value, (
        SELECT job.id FROM jobqueue_job AS job
        WHERE job.state = 'ready' AND job.queue = wanted.value
        ORDER BY job.priority DESC, job.ready_at, job.id
        LIMIT 1
    )
    FROM json_each(%(queues)s) AS wanted
    UNION ALL
    SELECT head.queue, (
        SELECT job.id FROM jobqueue_job AS job
        WHERE job.state = 'ready' AND job.queue = head.queue
            AND job.priority < (SELECT above.priority FROM jobqueue_job AS above WHERE above.id = head.id)
        ORDER BY job.priority DESC, job.ready_at, job.id
        LIMIT 1
    )
    FROM head
    WHERE head.id IS NOT NULL
)
SELECT head.queue, MAX((julianday('now') - julianday(first.ready_at)) * 86400.0)
FROM head
JOIN jobqueue_job AS first ON first.id = head.id
GROUP BY head.queue
