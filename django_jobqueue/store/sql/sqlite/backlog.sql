-- Per queue with ready jobs: how many, counted no further than the limit, and since how many seconds.
-- The first job of each priority is one index entry; MIN(ready_at) alone would read the backlog.
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
SELECT
    head.queue,
    (
        SELECT COUNT(*) FROM (
            SELECT 1 FROM jobqueue_job AS counted
            WHERE counted.state = 'ready' AND counted.queue = head.queue
            LIMIT %(limit)s
        )
    ),
    MAX((julianday('now') - julianday(first.ready_at)) * 86400.0)
FROM head
JOIN jobqueue_job AS first ON first.id = head.id
GROUP BY head.queue
