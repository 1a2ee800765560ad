-- Until this transaction ends, these batches do not finish. Who is about to finish one is waited for, and seen.
SELECT id, finished_at IS NOT NULL
FROM jobqueue_batch
WHERE id = ANY(ARRAY(SELECT value::bigint FROM json_array_elements_text(%(ids)s::json)))
ORDER BY id DESC
FOR KEY SHARE
