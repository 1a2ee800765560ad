-- A run ended, or was given back, and the job lives on. The plan is kept safe as in archive.sql; the token is cleared, so a
-- second report of the same claim finds nothing. A job whose cancellation was asked for is left for archive.sql.
WITH done AS MATERIALIZED (
    SELECT *
    FROM unnest(
        %(ids)s::bigint[], %(tokens)s::uuid[], %(delays)s::float8[], %(run_ats)s::timestamptz[], %(keeps_place)s::boolean[],
        %(ended)s::boolean[], %(attempt_changes)s::int[], %(reprocess_changes)s::int[], %(rescue_changes)s::int[],
        %(errors)s::jsonb[], %(attempted)s::float8[]
    ) AS done (
        id, token, delay, run_at, keeps_place, ended, attempt_change, reprocess_change, rescue_change, error,
        attempted
    )
), timed AS MATERIALIZED (
    SELECT done.*, to_timestamp(done.attempted) AS attempted_at, moment.at AS clock,
        GREATEST(done.run_at, moment.at + make_interval(secs => done.delay)) AS next_at
    FROM done, (SELECT clock_timestamp() AS at) AS moment
), kept AS (
    UPDATE jobqueue_job AS job
    SET state = CASE WHEN timed.next_at <= timed.clock THEN 'ready' ELSE 'scheduled' END,
        run_at = CASE WHEN timed.keeps_place THEN job.run_at ELSE timed.next_at END,
        ready_at = CASE WHEN timed.keeps_place THEN job.ready_at ELSE timed.clock END,
        attempt = job.attempt + timed.attempt_change,
        reprocess_count = job.reprocess_count + timed.reprocess_change,
        rescues = CASE WHEN timed.ended THEN 0 ELSE job.rescues + timed.rescue_change END,
        error = NULLIF(COALESCE(timed.error, job.error), 'null'),
        attempted_at = COALESCE(timed.attempted_at, job.attempted_at),
        claim_token = NULL, worker_id = NULL, claimed_at = NULL, deadline_at = NULL
    FROM timed
    WHERE job.id = ANY(%(ids)s::bigint[])
        AND job.id = timed.id
        AND job.claim_token = timed.token
        AND job.cancel_requested_at IS NULL
    RETURNING job.id, job.attempt - timed.attempt_change AS attempt, timed.attempted_at
), reported AS (
    INSERT INTO jobqueue_attempt (
        job_id, attempt, outcome, started_at, ended_at, worker_id, error_type, message, traceback, log
    )
    SELECT kept.id, kept.attempt, report.outcome, kept.attempted_at, clock_timestamp(), report.worker_id,
        report.error_type, report.message, report.traceback, report.log
    FROM kept
    JOIN jsonb_to_recordset(%(reports)s::jsonb) AS report (
        id bigint, worker_id uuid, outcome text, error_type text, message text, traceback text, log jsonb
    ) ON report.id = kept.id
)
-- Who waits is told, as in archive.sql.
SELECT id, CASE
    WHEN EXISTS (
        SELECT FROM jobqueue_waiter WHERE job_id BETWEEN (SELECT min(id) FROM kept) AND (SELECT max(id) FROM kept)
    ) THEN (
        SELECT count(pg_notify('django_jobqueue_waiters', job_id::text)) FROM jobqueue_waiter WHERE job_id = kept.id
    )
END
FROM kept
