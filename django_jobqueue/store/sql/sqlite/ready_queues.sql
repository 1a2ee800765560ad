-- Walks the index from one queue to the next: one entry per queue, whatever the backlog.
WITH RECURSIVE named (queue) AS (
    SELECT MIN(queue) FROM jobqueue_job WHERE state = 'ready'
    UNION ALL
    SELECT (SELECT MIN(job.queue) FROM jobqueue_job AS job WHERE job.state = 'ready' AND job.queue > named.queue)
    FROM named
    WHERE named.queue IS NOT NULL
)
SELECT queue FROM named WHERE queue IS NOT NULL
