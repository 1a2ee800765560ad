-- Walks the index from one worker to the next, so it reads one entry per worker, not one per running job. It walks the gaps
-- between workers that live: what they have run since somebody took a snapshot that is still held left as many dead entries.
WITH RECURSIVE gap AS MATERIALIZED (
    SELECT edge.id AS after, lead(edge.id) OVER (ORDER BY edge.id) AS before
    FROM (
        -- Nobody draws this id.
        SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id
        UNION
        SELECT id FROM jobqueue_worker WHERE state = 'alive'
    ) AS edge
), owner (worker_id, before, is_edge) AS (
    SELECT after, before, true FROM gap
    UNION ALL
    SELECT
        CASE WHEN owner.before IS NULL THEN (
            SELECT job.worker_id FROM jobqueue_job AS job
            WHERE job.state = 'running' AND job.worker_id > owner.worker_id
            ORDER BY job.worker_id LIMIT 1
        ) ELSE (
            SELECT job.worker_id FROM jobqueue_job AS job
            WHERE job.state = 'running' AND job.worker_id > owner.worker_id AND job.worker_id < owner.before
            ORDER BY job.worker_id LIMIT 1
        ) END,
        owner.before,
        false
    FROM owner
    WHERE owner.worker_id IS NOT NULL
)
SELECT worker_id FROM owner WHERE worker_id IS NOT NULL AND NOT is_edge
