-- What a dead worker held: the attempt is given back, the rescue is counted, the token is cleared. Where it is known which
-- jobs had started, the others are left for give_back.sql.
WITH lost AS MATERIALIZED (
    SELECT id, claim_token, attempt, worker_id, attempted_at
    FROM jobqueue_job
    WHERE state = 'running' AND worker_id = %(worker_id)s AND cancel_requested_at IS NULL
        AND (%(started)s::bigint[] IS NULL OR id = ANY(%(started)s::bigint[]))
    ORDER BY id
    LIMIT %(limit)s
    FOR UPDATE
), back AS (
    UPDATE jobqueue_job AS job
    SET state = 'ready', ready_at = clock_timestamp(), attempt = job.attempt - 1,
        rescues = job.rescues + 1, reprocess_count = job.reprocess_count + 1,
        error = jsonb_build_object('type', 'WorkerDied', 'message', %(cause)s::text),
        claim_token = NULL, worker_id = NULL, claimed_at = NULL, deadline_at = NULL
    FROM lost
    WHERE job.id = lost.id AND job.claim_token = lost.claim_token
    RETURNING job.id, job.queue, lost.attempt, lost.attempted_at
), reported AS (
    INSERT INTO jobqueue_attempt (job_id, attempt, outcome, started_at, worker_id, error_type, message)
    SELECT id, attempt, 'rescued', attempted_at, %(worker_id)s, 'WorkerDied', %(cause)s::text
    FROM back
)
SELECT id, queue FROM back
