-- As due.sql, from where the last look ended: while somebody holds an old snapshot, all that was due before, or that living
-- workers have run, left as many dead entries. What bears no such time is left to a look at everything.
WITH scheduled AS MATERIALIZED (
    SELECT run_at FROM jobqueue_job
    WHERE state = 'scheduled' AND run_at >= %(since)s::timestamptz
    ORDER BY run_at, id
    LIMIT 1
), slot AS MATERIALIZED (
    SELECT next_slot FROM jobqueue_schedule
    WHERE disabled_at IS NULL AND next_slot >= %(since)s::timestamptz
    ORDER BY next_slot, id
    LIMIT 1
), overdue AS MATERIALIZED (
    SELECT deadline_at FROM jobqueue_job
    WHERE state = 'running' AND deadline_at >= %(since)s::timestamptz
        AND deadline_at < COALESCE(%(now)s::timestamptz, statement_timestamp())
    ORDER BY deadline_at
    LIMIT 1
), gap AS MATERIALIZED (
    SELECT edge.id AS after, lead(edge.id) OVER (ORDER BY edge.id) AS before
    FROM (
        -- Nobody draws this id.
        SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id
        UNION
        SELECT id FROM jobqueue_worker WHERE state = 'alive'
    ) AS edge
)
SELECT
    false AS has_ready,
    false AS has_suspects,
    (
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
    false AS has_waiting,
    COALESCE(
        (
            SELECT true FROM jobqueue_worker
            WHERE state = 'alive' AND lease_expires_at < COALESCE(%(now)s::timestamptz, statement_timestamp())
            ORDER BY lease_expires_at
            LIMIT 1
        ),
        (SELECT true FROM overdue),
        EXISTS (
            SELECT FROM gap
            CROSS JOIN LATERAL (
                -- Two forms: with an OR about the end, the walk would not stop there.
                SELECT CASE WHEN gap.before IS NULL THEN (
                    SELECT job.worker_id FROM jobqueue_job AS job
                    WHERE job.state = 'running' AND job.worker_id > gap.after
                    ORDER BY job.worker_id LIMIT 1
                ) ELSE (
                    SELECT job.worker_id FROM jobqueue_job AS job
                    WHERE job.state = 'running' AND job.worker_id > gap.after AND job.worker_id < gap.before
                    ORDER BY job.worker_id LIMIT 1
                ) END AS worker_id
            ) AS owner
            WHERE owner.worker_id IS NOT NULL
        )
    ) AS has_lost,
    (
        SELECT CASE WHEN first >= '0002-01-01' THEN first END
        FROM LEAST(
            COALESCE(%(now)s::timestamptz, statement_timestamp()),
            (SELECT run_at FROM scheduled),
            (SELECT next_slot FROM slot),
            (SELECT deadline_at FROM overdue)
        ) AS first
    ) AS up_to
