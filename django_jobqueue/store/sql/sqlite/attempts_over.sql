-- The live ones among these jobs; the attempt of one that runs is not over.
SELECT id, attempt - (state = 'running')
FROM jobqueue_job
WHERE id IN (SELECT value FROM json_each(%(ids)s))
