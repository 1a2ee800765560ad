-- Locked before its jobs are read, in a statement of its own: a claim that committed just before is seen by the next one.
-- SKIP LOCKED: a claim that holds the row is proof of life, and another reaper may have it.
SELECT id
FROM jobqueue_worker
WHERE state = 'alive' AND lease_expires_at < COALESCE(%(now)s::timestamptz, statement_timestamp())
ORDER BY lease_expires_at
LIMIT 1
FOR UPDATE SKIP LOCKED
