-- Which of these batches, locked before they had finished, seem to have no live member. The newest member is looked for first:
-- it is the likeliest to live, and what was deleted before it is not walked past.
-- SKIP LOCKED: whoever adds members holds KEY SHARE, and their finish comes here again. batch_facts.sql looks once more, for
-- members that were committed after this statement began.
SELECT id
FROM jobqueue_batch AS batch
WHERE id = ANY(ARRAY(SELECT value::bigint FROM json_array_elements_text(%(ids)s::json)))
    AND (
        SELECT member.id
        FROM jobqueue_job AS member
        WHERE member.batch_id = batch.id
        ORDER BY member.batch_id DESC, member.id DESC
        LIMIT 1
    ) IS NULL
    AND NOT EXISTS (SELECT FROM jobqueue_batch AS part WHERE part.parent_id = batch.id AND part.finished_at IS NULL)
ORDER BY id DESC
FOR UPDATE SKIP LOCKED
