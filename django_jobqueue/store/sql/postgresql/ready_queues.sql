-- Walks the index from one queue to the next: one entry per queue, whatever the backlog.
-- Into a queue that is known it looks no further back than told, and it walks the gaps between those: while somebody holds
-- an old snapshot, the walk would meet each dead entry that they have.
WITH RECURSIVE known AS MATERIALIZED (
    SELECT queue FROM unnest(%(known)s::varchar[]) AS one (queue)
), gap AS MATERIALIZED (
    -- No queue has an empty name.
    SELECT edge.queue AS after, lead(edge.queue) OVER (ORDER BY edge.queue) AS before
    FROM (SELECT ''::varchar UNION SELECT queue FROM known) AS edge (queue)
), named (queue, before, is_edge) AS (
    SELECT after, before, true FROM gap
    UNION ALL
    SELECT
        -- Two forms: with an OR about the end, the walk would not stop there.
        CASE WHEN named.before IS NULL THEN (
            SELECT job.queue FROM jobqueue_job AS job
            WHERE job.state = 'ready' AND job.queue > named.queue
            ORDER BY job.queue LIMIT 1
        ) ELSE (
            SELECT job.queue FROM jobqueue_job AS job
            WHERE job.state = 'ready' AND job.queue > named.queue AND job.queue < named.before
            ORDER BY job.queue LIMIT 1
        ) END,
        named.before,
        false
    FROM named
    WHERE named.queue IS NOT NULL
)
SELECT queue FROM named WHERE queue IS NOT NULL AND NOT is_edge
UNION ALL
SELECT wanted.queue
FROM (SELECT queue, 1 AS free FROM known) AS wanted
CROSS JOIN LATERAL (
    SELECT id
    FROM jobqueue_job
    WHERE state = 'ready' AND queue = wanted.queue
    ORDER BY priority DESC, ready_at, id
    LIMIT wanted.free
) AS picked
ORDER BY queue
