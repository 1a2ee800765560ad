-- For how many seconds the first job of each queue has been ready. The first of each priority is one
-- entry of the index; min(ready_at) alone would read the backlog.
WITH RECURSIVE head (queue, priority, ready_at) AS (
    SELECT wanted.queue, job.priority, job.ready_at
    FROM jsonb_array_elements_text(%(queues)s::jsonb) AS wanted (queue)
    CROSS JOIN LATERAL (
        SELECT priority, ready_at FROM jobqueue_job
        WHERE state = 'ready' AND queue = wanted.queue
        ORDER BY priority DESC, ready_at, id
        LIMIT 1
    ) AS job
    UNION ALL
    SELECT head.queue, job.priority, job.ready_at
    FROM head
    CROSS JOIN LATERAL (
        SELECT priority, ready_at FROM jobqueue_job
        WHERE state = 'ready' AND queue = head.queue AND priority < head.priority
        ORDER BY priority DESC, ready_at, id
        LIMIT 1
    ) AS job
)
SELECT
    queue,
    -- An impossible date in one row, edited by hand, must not hide the others.
    EXTRACT(EPOCH FROM statement_timestamp() - min(ready_at) FILTER (WHERE isfinite(ready_at)))::float8
FROM head
GROUP BY queue
