-- Finish = move: the row leaves the job table and enters the archive in one statement, under the fence (id, claim_token).
-- `id = ANY(ids)` besides the join: without it the generic plan of the prepared statement pairs every running row with every
-- element of the arrays, quadratic in the batch. Adding `state = 'running'` brings that plan back through its partial index,
-- and is needless: the token is cleared whenever a job stops running.
WITH done AS MATERIALIZED (
    SELECT *
    FROM unnest(
        %(ids)s::bigint[], %(tokens)s::uuid[], %(states)s::text[], %(keeps)s::boolean[], %(results)s::jsonb[],
        %(errors)s::jsonb[], %(attempted)s::float8[], %(attempt_changes)s::int[]
    ) AS done (id, token, state, keep, result, error, attempted, attempt_change)
), gone AS (
    DELETE FROM jobqueue_job AS job
    USING done
    WHERE job.id = ANY(%(ids)s::bigint[]) AND job.id = done.id AND job.claim_token = done.token
    RETURNING job.id, COALESCE(done.state, 'succeeded') AS state, COALESCE(done.keep, true) AS keep,
        job.handler, job.queue, job.priority, job.payload, job.run_at, job.ready_at, job.created_at,
        job.attempt AS charged, job.attempt + COALESCE(done.attempt_change, 0) AS attempt, job.max_attempts, job.reprocess_count, job.rescues, job.fingerprint, job.unique_key,
        job.unique_while, job.claim_token, job.worker_id, job.claimed_at, COALESCE(to_timestamp(done.attempted), job.attempted_at) AS attempted_at, job.deadline_at, job.cancel_requested_at, job.expires_at,
        job.timeout_seconds, job.backoff, job.concurrency_key, job.waits_for, done.result, NULLIF(COALESCE(done.error, job.error), 'null') AS error, job.progress, job.checkpoints, job.meta, job.tags, job.batch_id, job.template,
        job.schedule, job.slot, job.requeued_from
), kept AS (
    INSERT INTO jobqueue_archivedjob (
        id, state, finished_at,
        handler, queue, priority, payload, run_at, ready_at, created_at, attempt, max_attempts, reprocess_count,
        rescues, fingerprint, unique_key, unique_while, claim_token, worker_id, claimed_at, attempted_at,
        deadline_at, cancel_requested_at, expires_at, timeout_seconds, backoff, concurrency_key, waits_for,
        result, error, progress, checkpoints, meta, tags, batch_id, template, schedule, slot, requeued_from
    )
    SELECT id, state, clock_timestamp(),
        handler, queue, priority, payload, run_at, ready_at, created_at, attempt, max_attempts, reprocess_count,
        rescues, fingerprint, unique_key, unique_while, claim_token, worker_id, claimed_at, attempted_at,
        deadline_at, cancel_requested_at, expires_at, timeout_seconds, backoff, concurrency_key, waits_for,
        result, error, progress, checkpoints, meta, tags, batch_id, template, schedule, slot, requeued_from
    FROM gone
    WHERE keep
), reported AS (
    INSERT INTO jobqueue_attempt (
        job_id, attempt, outcome, started_at, ended_at, worker_id, error_type, message, traceback, log
    )
    SELECT gone.id, gone.charged, report.outcome, gone.attempted_at, clock_timestamp(), gone.worker_id,
        report.error_type, report.message, report.traceback, report.log
    FROM gone
    JOIN jsonb_to_recordset(%(reports)s::jsonb) AS report (
        id bigint, outcome text, error_type text, message text, traceback text, log jsonb
    ) ON report.id = gone.id
)
-- Who waits is told at the commit. Where nobody does, the first look is all that this costs, one for the whole batch; it is
-- bounded, so that it never walks over the dead rows of others who have waited.
SELECT id, CASE
    WHEN EXISTS (
        SELECT FROM jobqueue_waiter WHERE job_id BETWEEN (SELECT min(id) FROM gone) AND (SELECT max(id) FROM gone)
    ) THEN (
        SELECT count(pg_notify('django_jobqueue_waiters', job_id::text)) FROM jobqueue_waiter WHERE job_id = gone.id
    )
END
FROM gone
