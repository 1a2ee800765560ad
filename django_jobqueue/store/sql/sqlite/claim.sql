-- Takes jobs that heads.sql, or a pick, has found under this very write lock; claimed_facts.sql says what they are.
UPDATE jobqueue_job
SET state = 'running',
    attempt = attempt + 1,
    worker_id = %(worker_id)s,
    claim_token = %(token)s,
    claimed_at = %(claimed_at)s,
    attempted_at = NULL,
    -- For reapers, should this worker not react; a timeout that was edited by hand may be a text, which is more than any number.
    deadline_at = CASE WHEN timeout_seconds BETWEEN 0 AND 3153600000
        THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', %(claimed_at)s, printf('%%.3f seconds', timeout_seconds + %(overtime)s))
    END,
    unique_key = CASE WHEN unique_while = 'waiting' THEN NULL ELSE unique_key END
WHERE id IN (SELECT value FROM json_each(%(ids)s))
