-- The second half of a move. The token is asked for again: no write of a claim goes without it.
DELETE FROM jobqueue_job
WHERE id IN (SELECT json_extract(value, '$.id') FROM json_each(%(rows)s))
    AND (id, claim_token) IN (
        SELECT json_extract(value, '$.id'), json_extract(value, '$.token') FROM json_each(%(rows)s)
    )
