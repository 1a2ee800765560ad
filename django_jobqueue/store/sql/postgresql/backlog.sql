-- Per queue with ready jobs: how many, counted no further than the limit, and since how many seconds.
-- The first job of each priority is one index entry; min(ready_at) alone would read the backlog.
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
    (
        SELECT count(*) FROM (
            SELECT FROM jobqueue_job
            WHERE state = 'ready' AND queue = head.queue
            LIMIT %(limit)s
        ) AS counted
    ),
    -- An impossible date in one row, edited by hand, must not hide the others.
    EXTRACT(EPOCH FROM statement_timestamp() - min(ready_at) FILTER (WHERE isfinite(ready_at)))::float8
FROM head
GROUP BY queue
