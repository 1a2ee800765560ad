-- Due jobs, the earliest first; they join the tail of their priority.
UPDATE jobqueue_job
SET state = 'ready', ready_at = COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
WHERE id IN (
    SELECT id
    FROM jobqueue_job
    WHERE state = 'scheduled' AND run_at <= COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
    ORDER BY run_at, id
    LIMIT %(limit)s
)
RETURNING queue
