-- Which of these batches, which have not finished, have no live member and no part that has not.
SELECT id
FROM jobqueue_batch AS batch
WHERE id IN (SELECT value FROM json_each(%(ids)s))
    AND NOT EXISTS (SELECT 1 FROM jobqueue_job AS member WHERE member.batch_id = batch.id)
    AND NOT EXISTS (SELECT 1 FROM jobqueue_batch AS part WHERE part.parent_id = batch.id AND part.finished_at IS NULL)
ORDER BY id DESC
