-- Before the jobs move: the attempt and the worker are those of the live row.
INSERT INTO jobqueue_attempt (
    job_id, attempt, outcome, started_at, ended_at, worker_id, error_type, message, traceback, log
)
SELECT job.id, job.attempt, json_extract(done.value, '$.outcome'),
    COALESCE(replace(rtrim(json_extract(done.value, '$.attempted_at'), 'Z'), 'T', ' '), job.attempted_at),
    COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')), job.worker_id,
    COALESCE(json_extract(done.value, '$.error_type'), ''), COALESCE(json_extract(done.value, '$.message'), ''),
    COALESCE(json_extract(done.value, '$.traceback'), ''), COALESCE(json_extract(done.value, '$.log'), '[]')
FROM json_each(%(rows)s) AS done
CROSS JOIN jobqueue_job AS job
WHERE job.id = json_extract(done.value, '$.id') AND job.claim_token = json_extract(done.value, '$.token')
