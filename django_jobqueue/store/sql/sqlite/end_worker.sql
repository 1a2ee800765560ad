UPDATE jobqueue_worker
SET state = %(state)s, running = 0, ended_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
WHERE id = %(worker_id)s AND state = 'alive'
