-- What there is to do for the duties of a host: all that an idle one asks. Each part is as the statement that does it, and
-- one probe of its index.
WITH RECURSIVE owner (worker_id) AS (
    SELECT MIN(worker_id) FROM jobqueue_job WHERE state = 'running'
    UNION ALL
    SELECT (
        SELECT MIN(job.worker_id) FROM jobqueue_job AS job WHERE job.state = 'running' AND job.worker_id > owner.worker_id
    )
    FROM owner
    WHERE owner.worker_id IS NOT NULL
)
SELECT
    EXISTS (SELECT 1 FROM jobqueue_job WHERE state = 'ready' AND rescues = 0),
    EXISTS (SELECT 1 FROM jobqueue_job WHERE state = 'ready' AND rescues > 0),
    (
        SELECT CASE
            WHEN run_at <= COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) THEN 0.0
            ELSE (julianday(run_at) - julianday(COALESCE(%(now)s, 'now'))) * 86400.0
        END
        FROM jobqueue_job
        WHERE state = 'scheduled' AND run_at IS NOT NULL
        ORDER BY run_at, id
        LIMIT 1
    ),
    (
        SELECT CASE
            WHEN next_slot <= COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')) THEN 0.0
            ELSE (julianday(next_slot) - julianday(COALESCE(%(now)s, 'now'))) * 86400.0
        END
        FROM jobqueue_schedule
        WHERE disabled_at IS NULL AND next_slot IS NOT NULL
        ORDER BY next_slot, id
        LIMIT 1
    ),
    EXISTS (
        SELECT 1
        FROM jobqueue_schedule AS schedule
        WHERE disabled_at IS NULL AND after = 'finish' AND next_slot IS NULL AND last_job_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM jobqueue_job AS job WHERE job.id = schedule.last_job_id)
    ),
    EXISTS (SELECT 1 FROM jobqueue_job WHERE state = 'blocked')
        OR EXISTS (SELECT 1 FROM jobqueue_batch WHERE finished_at IS NULL),
    EXISTS (
        SELECT 1
        FROM jobqueue_worker
        WHERE state = 'alive' AND lease_expires_at < COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
    ) OR EXISTS (
        SELECT 1
        FROM jobqueue_job
        WHERE state = 'running' AND deadline_at < COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
    ) OR EXISTS (
        SELECT 1
        FROM owner
        LEFT JOIN jobqueue_worker AS worker ON worker.id = owner.worker_id
        WHERE owner.worker_id IS NOT NULL AND (worker.id IS NULL OR worker.state <> 'alive')
    ),
    NULL
