-- One stretch of the batches that have not finished, and whether each has a live member.
SELECT id, EXISTS (SELECT 1 FROM jobqueue_job AS member WHERE member.batch_id = batch.id)
FROM jobqueue_batch AS batch
WHERE finished_at IS NULL AND id > %(after)s
ORDER BY id
LIMIT %(limit)s
