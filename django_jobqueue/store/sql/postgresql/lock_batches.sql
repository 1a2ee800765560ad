-- Two finishes that end the last members of a batch come here one after the other: the second sees what the first has done.
-- NO KEY UPDATE: who adds members holds KEY SHARE, perhaps for long, and is not waited for. Descending: a batch has a
-- larger id than the one it belongs to, and is locked before it.
SELECT id
FROM jobqueue_batch
WHERE id = ANY(ARRAY(SELECT value::bigint FROM json_array_elements_text(%(ids)s::json))) AND finished_at IS NULL
ORDER BY id DESC
FOR NO KEY UPDATE
