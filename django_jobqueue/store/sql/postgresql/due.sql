-- What there is to do for the duties of a host: all that an idle one asks. Each part is as the statement that does it, and
-- one probe of its index: ordered by that, so that no plan reads the table for want of a row that it expects soon.
-- due_since.sql goes on from where this one ended.
WITH RECURSIVE scheduled AS MATERIALIZED (
    SELECT run_at FROM jobqueue_job WHERE state = 'scheduled' ORDER BY run_at, id LIMIT 1
), slot AS MATERIALIZED (
    SELECT next_slot FROM jobqueue_schedule
    WHERE disabled_at IS NULL AND next_slot IS NOT NULL
    ORDER BY next_slot, id
    LIMIT 1
), overdue AS MATERIALIZED (
    SELECT deadline_at FROM jobqueue_job
    WHERE state = 'running' AND deadline_at < COALESCE(%(now)s::timestamptz, statement_timestamp())
    ORDER BY deadline_at
    LIMIT 1
), owner AS (
    (SELECT worker_id FROM jobqueue_job WHERE state = 'running' ORDER BY worker_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT job.worker_id FROM jobqueue_job AS job
        WHERE job.state = 'running' AND job.worker_id > owner.worker_id
        ORDER BY job.worker_id LIMIT 1
    )
    FROM owner
    WHERE owner.worker_id IS NOT NULL
)
SELECT
    (SELECT true FROM jobqueue_job WHERE state = 'ready' AND rescues = 0 ORDER BY queue LIMIT 1) AS has_ready,
    (SELECT true FROM jobqueue_job WHERE state = 'ready' AND rescues > 0 ORDER BY queue LIMIT 1) AS has_suspects,
    (
        -- Never is no time to wait for, and before version 17 nothing could be subtracted from it.
        SELECT CASE
            WHEN run_at <= COALESCE(%(now)s::timestamptz, statement_timestamp()) THEN 0
            WHEN isfinite(run_at) THEN EXTRACT(EPOCH FROM run_at - COALESCE(%(now)s::timestamptz, clock_timestamp()))
        END::float8
        FROM scheduled
    ) AS scheduled_seconds,
    (
        SELECT CASE
            WHEN next_slot <= COALESCE(%(now)s::timestamptz, statement_timestamp()) THEN 0
            WHEN isfinite(next_slot) THEN EXTRACT(EPOCH FROM next_slot - COALESCE(%(now)s::timestamptz, clock_timestamp()))
        END::float8
        FROM slot
    ) AS slot_seconds,
    EXISTS (
        SELECT FROM jobqueue_schedule AS schedule
        WHERE disabled_at IS NULL AND after = 'finish' AND next_slot IS NULL AND last_job_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM jobqueue_job AS job WHERE job.id = schedule.last_job_id)
    ) AS has_ended,
    COALESCE(
        (SELECT true FROM jobqueue_job WHERE state = 'blocked' ORDER BY queue LIMIT 1),
        (SELECT true FROM jobqueue_batch WHERE finished_at IS NULL ORDER BY id LIMIT 1)
    ) AS has_waiting,
    COALESCE(
        (
            SELECT true FROM jobqueue_worker
            WHERE state = 'alive' AND lease_expires_at < COALESCE(%(now)s::timestamptz, statement_timestamp())
            ORDER BY lease_expires_at
            LIMIT 1
        ),
        (SELECT true FROM overdue),
        EXISTS (
            SELECT FROM owner
            LEFT JOIN jobqueue_worker AS worker ON worker.id = owner.worker_id
            WHERE owner.worker_id IS NOT NULL AND (worker.id IS NULL OR worker.state <> 'alive')
        )
    ) AS has_lost,
    (
        -- What is found later is due later, unless it is committed late. Python tells the years 1 to 9999.
        SELECT CASE WHEN first >= '0002-01-01' THEN first END
        FROM LEAST(
            COALESCE(%(now)s::timestamptz, statement_timestamp()),
            (SELECT run_at FROM scheduled),
            (SELECT next_slot FROM slot),
            (SELECT deadline_at FROM overdue)
        ) AS first
    ) AS up_to
