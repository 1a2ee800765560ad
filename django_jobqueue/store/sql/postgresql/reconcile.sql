-- A claim whose answer was lost: it runs under this worker's name, and this worker does not know of it.
-- Claimed long before this transaction began, that is: one that is held up by a lock must not count what was claimed meanwhile.
-- From `since` on, up to which the last heartbeat has looked: beside an old snapshot, all that it has run left dead entries.
-- Nothing ran, so the attempt is given back and the job keeps its place in line.
-- Where its cancellation was asked for, unknown_and_unwanted.sql has it.
-- A worker that is not alive is told so, and nothing else: what it held is the reaper's.
UPDATE jobqueue_job AS job
SET state = 'ready', attempt = job.attempt - 1,
    claim_token = NULL, worker_id = NULL, claimed_at = NULL, deadline_at = NULL
WHERE job.state = 'running'
    AND job.worker_id = %(worker_id)s
    AND job.cancel_requested_at IS NULL
    AND job.claimed_at >= COALESCE(%(since)s::timestamptz, '-infinity')
    AND job.claimed_at < transaction_timestamp() - make_interval(secs => %(after)s)
    AND EXISTS (SELECT FROM jobqueue_worker WHERE id = %(worker_id)s AND state = 'alive')
    AND NOT EXISTS (
        SELECT FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS held (id, token)
        WHERE held.id = job.id AND held.token = job.claim_token
    )
RETURNING job.id
