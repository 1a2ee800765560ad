-- The write lock is held already.
SELECT id, finished_at IS NOT NULL
FROM jobqueue_batch
WHERE id IN (SELECT value FROM json_each(%(ids)s))
