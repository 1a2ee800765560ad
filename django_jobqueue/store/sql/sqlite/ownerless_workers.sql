-- Walks the index from one worker to the next, so it reads one entry per worker, not one per running job.
WITH RECURSIVE owner (worker_id) AS (
    SELECT MIN(worker_id) FROM jobqueue_job WHERE state = 'running'
    UNION ALL
    SELECT (
        SELECT MIN(job.worker_id) FROM jobqueue_job AS job WHERE job.state = 'running' AND job.worker_id > owner.worker_id
    )
    FROM owner
    WHERE owner.worker_id IS NOT NULL
)
SELECT owner.worker_id
FROM owner
LEFT JOIN jobqueue_worker AS worker ON worker.id = owner.worker_id
WHERE owner.worker_id IS NOT NULL AND (worker.id IS NULL OR worker.state <> 'alive')
