-- The first half of the move to the dead letters, state 'dead' by default; drop.sql is the other.
-- Times that the claim could not tell are replaced, so that the dead letter can be looked at; its error names them.
-- CROSS JOIN keeps this order of loops: one look by id for each claim, never a walk over the jobs.
INSERT INTO jobqueue_deadjob (
    id, reason, finished_at, result, error, attempted_at,
    handler, queue, priority, payload, run_at, ready_at, created_at, attempt, max_attempts, reprocess_count,
    rescues, fingerprint, unique_key, unique_while, claim_token, worker_id, claimed_at, deadline_at,
    cancel_requested_at, expires_at, timeout_seconds, backoff, concurrency_key, waits_for, progress, checkpoints,
    meta, tags, batch_id, template, schedule, slot, requeued_from
)
SELECT job.id, json_extract(done.value, '$.reason'), COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')),
    json_extract(done.value, '$.result'), COALESCE(json_extract(done.value, '$.error'), job.error),
    COALESCE(replace(rtrim(json_extract(done.value, '$.attempted_at'), 'Z'), 'T', ' '), job.attempted_at),
    job.handler, job.queue, job.priority, job.payload, job.run_at,
    CASE WHEN json_extract(done.value, '$.unreadable') THEN job.claimed_at ELSE job.ready_at END,
    CASE WHEN json_extract(done.value, '$.unreadable') THEN job.claimed_at ELSE job.created_at END,
    MAX(0, job.attempt + COALESCE(json_extract(done.value, '$.attempt_change'), 0)),
    job.max_attempts, job.reprocess_count, job.rescues, job.fingerprint, job.unique_key, job.unique_while,
    job.claim_token, job.worker_id, job.claimed_at, job.deadline_at, job.cancel_requested_at, job.expires_at,
    job.timeout_seconds, job.backoff, job.concurrency_key, job.waits_for, job.progress, job.checkpoints, job.meta,
    job.tags, job.batch_id, job.template, job.schedule, job.slot, job.requeued_from
FROM json_each(%(rows)s) AS done
CROSS JOIN jobqueue_job AS job
WHERE job.id = json_extract(done.value, '$.id') AND job.claim_token = json_extract(done.value, '$.token')
