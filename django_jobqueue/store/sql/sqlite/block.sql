-- Refused by a full limit; their place in line is kept.
UPDATE jobqueue_job
SET state = 'blocked',
    blocked_by = (
        SELECT json_extract(value, '$.blocked_by')
        FROM json_each(%(blocked)s)
        WHERE json_extract(value, '$.id') = jobqueue_job.id
    )
WHERE id IN (SELECT json_extract(value, '$.id') FROM json_each(%(blocked)s)) AND state = 'ready'
