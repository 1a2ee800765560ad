-- Whether a queue has work left; the pause is that of claim.sql. One statement sees one moment: a job
-- that moves from one state to another meanwhile is in one of them.
SELECT EXISTS (SELECT 1 FROM jobqueue_job WHERE state = 'running' AND queue = %(queue)s)
    OR (
        NOT EXISTS (
            SELECT 1
            FROM jobqueue_queue
            WHERE name = %(queue)s
                AND paused_at IS NOT NULL
                AND (paused_until IS NULL OR paused_until > statement_timestamp())
        )
        AND (
            EXISTS (SELECT 1 FROM jobqueue_job WHERE state = 'ready' AND queue = %(queue)s)
            OR EXISTS (SELECT 1 FROM jobqueue_job WHERE state = 'blocked' AND queue = %(queue)s)
            OR EXISTS (
                SELECT 1
                FROM jobqueue_job
                WHERE state = 'scheduled' AND queue = %(queue)s AND run_at <= statement_timestamp()
            )
        )
    )
