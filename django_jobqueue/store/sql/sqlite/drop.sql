-- The second half of a move. The tokens are asked for again: no write of a claim goes without.
DELETE FROM jobqueue_job
WHERE id IN (
        SELECT done.value
        FROM json_each(%(claims)s) AS claim
        CROSS JOIN json_each(claim.value) AS done
    )
    AND claim_token IN (SELECT key FROM json_each(%(claims)s))
