-- Counted from the leased rows themselves, which come back with their worker: nothing can leak. One walk over the index
-- of what runs, which is no more than the workers have slots for.
SELECT queue, handler, concurrency_key, count(*)
FROM jobqueue_job
WHERE state = 'running'
GROUP BY queue, handler, concurrency_key
