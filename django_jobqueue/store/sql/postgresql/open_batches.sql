-- One stretch of the batches that have not finished, and whether each has a live member. The newest is looked for first, as
-- in ended_batches.sql.
SELECT id, (
        SELECT member.id
        FROM jobqueue_job AS member
        WHERE member.batch_id = batch.id
        ORDER BY member.batch_id DESC, member.id DESC
        LIMIT 1
    ) IS NOT NULL
FROM jobqueue_batch AS batch
WHERE finished_at IS NULL AND id > %(after)s
ORDER BY id
LIMIT %(limit)s
