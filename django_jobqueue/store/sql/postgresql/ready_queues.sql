-- Walks the index from one queue to the next: one entry per queue, whatever the backlog.
WITH RECURSIVE named AS (
    (SELECT queue FROM jobqueue_job WHERE state = 'ready' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (
        SELECT job.queue FROM jobqueue_job AS job
        WHERE job.state = 'ready' AND job.queue > named.queue
        ORDER BY job.queue LIMIT 1
    )
    FROM named
    WHERE named.queue IS NOT NULL
)
SELECT queue FROM named WHERE queue IS NOT NULL
