-- What becomes of the jobs that wait for these jobs, where those are final now: the next of a success is ready, with its
-- result; the others are cancelled, and all that wait for them in turn, unless they hold. All of it is read from the records
-- of what ended, so it may be asked any number of times. A record that is gone was removed by somebody: it did not succeed, and
-- nothing can hold for it.
-- SKIP LOCKED: who has such a job locked steers it, in a transaction of any length, and no finish waits for that; the
-- promoter looks again. As nobody is waited for, the locks need no order.
-- `id = ANY(ARRAY(...))` besides the join: the job table is entered by id, whatever is expected of it.
WITH RECURSIVE waiting AS MATERIALIZED (
    SELECT id, waits_for, on_failure
    FROM jobqueue_job
    WHERE state = 'blocked' AND blocked_by IS NULL AND waits_for = ANY(%(ids)s::bigint[])
    FOR UPDATE SKIP LOCKED
), judged AS MATERIALIZED (
    SELECT waiting.id, waiting.on_failure, COALESCE(archived.state = 'succeeded', false) AS may_go_on, archived.result,
        archived.id IS NULL AND dead.id IS NULL AS is_gone,
        concat(
            'job ', waiting.waits_for, ', which it waited for, ',
            CASE
                WHEN dead.id IS NOT NULL THEN concat('is dead, ', dead.reason, ': ' || NULLIF(dead.error->>'message', ''))
                WHEN archived.id IS NULL THEN 'is gone'
                ELSE 'was cancelled' || COALESCE(
                    CASE WHEN archived.error->>'type' = 'Cancel' THEN ': ' || NULLIF(archived.error->>'message', '') END, ''
                )
            END
        ) AS why
    FROM waiting
    LEFT JOIN jobqueue_archivedjob AS archived ON archived.id = waiting.waits_for
    LEFT JOIN jobqueue_deadjob AS dead ON dead.id = waiting.waits_for
    WHERE NOT EXISTS (SELECT FROM jobqueue_job AS before WHERE before.id = waiting.waits_for)
), clock AS MATERIALIZED (
    SELECT COALESCE(%(now)s::timestamptz, clock_timestamp()) AS at
), gone_on AS (
    UPDATE jobqueue_job AS job
    SET state = CASE WHEN job.run_at > clock.at THEN 'scheduled' ELSE 'ready' END,
        ready_at = clock.at,
        payload = CASE
            WHEN job.result_as IS NOT NULL AND jsonb_typeof(job.payload->'kwargs') = 'object'
                THEN jsonb_set(job.payload, ARRAY['kwargs', job.result_as], COALESCE(judged.result, 'null'))
            ELSE job.payload
        END
    FROM judged, clock
    WHERE job.id = ANY(ARRAY(SELECT id FROM judged WHERE may_go_on)) AND job.id = judged.id
    RETURNING job.id, job.handler, job.queue, job.state, job.batch_id
), unwanted AS (
    SELECT id, why, is_gone FROM judged WHERE NOT may_go_on AND (is_gone OR on_failure = 'cancel')
    UNION
    SELECT after.id, unwanted.why, unwanted.is_gone
    FROM unwanted
    JOIN jobqueue_job AS after ON after.waits_for = unwanted.id
    WHERE after.state = 'blocked' AND after.blocked_by IS NULL
        AND (unwanted.is_gone OR after.on_failure = 'cancel')
), held AS MATERIALIZED (
    SELECT id FROM jobqueue_job WHERE id = ANY(ARRAY(SELECT id FROM unwanted)) FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM jobqueue_job AS job
    USING unwanted
    WHERE job.id = ANY(ARRAY(SELECT id FROM held)) AND job.id = unwanted.id
    RETURNING job.*, unwanted.why
), kept AS (
    INSERT INTO jobqueue_archivedjob (
        id, state, finished_at, error,
        handler, queue, priority, payload, run_at, ready_at, created_at, attempt, max_attempts, reprocess_count,
        rescues, fingerprint, unique_key, unique_while, claim_token, worker_id, claimed_at, attempted_at,
        deadline_at, cancel_requested_at, expires_at, timeout_seconds, backoff, concurrency_key, waits_for,
        result, progress, checkpoints, meta, tags, batch_id, template, schedule, slot, requeued_from
    )
    SELECT id, 'cancelled', clock.at, jsonb_build_object('type', 'Cancel', 'message', why),
        handler, queue, priority, payload, run_at, ready_at, created_at, attempt, max_attempts, reprocess_count,
        rescues, fingerprint, unique_key, unique_while, claim_token, worker_id, claimed_at, attempted_at,
        deadline_at, cancel_requested_at, expires_at, timeout_seconds, backoff, concurrency_key, waits_for,
        result, progress, checkpoints, meta, tags, batch_id, template, schedule, slot, requeued_from
    FROM gone, clock
)
SELECT id, handler, queue, state, batch_id FROM gone_on
UNION ALL
SELECT id, handler, queue, 'cancelled', batch_id
FROM gone
-- Always true, once who waits for the job has been told.
WHERE (SELECT count(pg_notify('django_jobqueue_waiters', job_id::text)) FROM jobqueue_waiter WHERE job_id = gone.id) >= 0
