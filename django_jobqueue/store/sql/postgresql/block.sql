-- Refused by a full limit; their place in line is kept.
UPDATE jobqueue_job AS job
SET state = 'blocked', blocked_by = one.blocked_by
FROM json_to_recordset(%(blocked)s::json) AS one (id bigint, blocked_by text)
WHERE job.id = one.id AND job.state = 'ready'
