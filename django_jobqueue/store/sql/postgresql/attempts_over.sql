-- The live ones among these jobs; the attempt of one that runs is not over.
SELECT id, attempt - (state = 'running')::int
FROM jobqueue_job
WHERE id = ANY(%(ids)s::bigint[])
