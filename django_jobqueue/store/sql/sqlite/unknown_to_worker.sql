-- Claims whose answer was lost: they run under this worker's name, and it does not know of them.
SELECT id, claim_token
FROM jobqueue_job
WHERE state = 'running' AND worker_id = %(worker_id)s
    AND claimed_at < strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', -%(after)s || ' seconds')
    AND (id, claim_token) NOT IN (
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(%(in_hand)s)
    )
ORDER BY id
