-- As archive.sql, for jobs that succeeded and answered nothing: for each token the ids, and when the run of each began. These are
-- keys and values, so nothing is looked for in JSON twice. It leaves out those whose claim does not hold, and those of which
-- others must hear that they ended. CROSS JOIN keeps this order of loops.
INSERT INTO jobqueue_archivedjob (
    id, finished_at, attempted_at,
    handler, queue, priority, payload, run_at, ready_at, created_at, attempt, max_attempts, reprocess_count,
    rescues, fingerprint, unique_key, unique_while, claim_token, worker_id, claimed_at, deadline_at,
    cancel_requested_at, expires_at, timeout_seconds, backoff, concurrency_key, waits_for, error, progress, checkpoints,
    meta, tags, batch_id, template, schedule, slot, requeued_from
)
SELECT job.id, clock, COALESCE(replace(rtrim(done.value, 'Z'), 'T', ' '), job.attempted_at),
    job.handler, job.queue, job.priority, job.payload, job.run_at, job.ready_at, job.created_at, job.attempt,
    job.max_attempts, job.reprocess_count, job.rescues, job.fingerprint, job.unique_key, job.unique_while,
    job.claim_token, job.worker_id, job.claimed_at, job.deadline_at, job.cancel_requested_at, job.expires_at,
    job.timeout_seconds, job.backoff, job.concurrency_key, job.waits_for, NULLIF(job.error, 'null'), job.progress,
    job.checkpoints, job.meta, job.tags, job.batch_id, job.template, job.schedule, job.slot, job.requeued_from
FROM json_each(%(claims)s) AS claim
CROSS JOIN json_each(claim.value) AS done
CROSS JOIN jobqueue_job AS job
CROSS JOIN (SELECT strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') AS clock)
WHERE job.id = CAST(done.key AS INTEGER) AND job.claim_token = claim.key
    AND NOT job.has_next AND job.batch_id IS NULL
