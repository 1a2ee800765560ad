-- The write lock is held already.
SELECT id
FROM jobqueue_batch
WHERE id IN (SELECT value FROM json_each(%(ids)s)) AND finished_at IS NULL
