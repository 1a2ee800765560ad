UPDATE jobqueue_batch
SET finished_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'),
    succeeded = %(succeeded)s, cancelled = %(cancelled)s, dead = %(dead)s,
    success_enqueued = success_enqueued OR %(success)s,
    failure_enqueued = failure_enqueued OR %(failure)s,
    finish_enqueued = finish_enqueued OR %(finish)s
WHERE id = %(id)s
