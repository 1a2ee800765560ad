-- What became of the members of a batch, unless one lives after all: what was enqueued just now, at the end of another. What
-- was enqueued at an earlier end is left out.
SELECT id, parent_id,
    (SELECT count(*) FROM jobqueue_archivedjob WHERE batch_id = batch.id AND state = 'succeeded'),
    (SELECT count(*) FROM jobqueue_archivedjob WHERE batch_id = batch.id AND state = 'cancelled'),
    (SELECT count(*) FROM jobqueue_deadjob WHERE batch_id = batch.id) + discarded,
    CASE WHEN NOT success_enqueued THEN on_success END,
    CASE WHEN NOT failure_enqueued THEN on_failure END,
    CASE WHEN NOT finish_enqueued THEN on_finish END
FROM jobqueue_batch AS batch
WHERE id = %(id)s
    AND NOT EXISTS (SELECT 1 FROM jobqueue_job AS member WHERE member.batch_id = batch.id)
