UPDATE jobqueue_worker SET state = 'stopped', ended_at = clock_timestamp(), running = 0
WHERE id = %(worker_id)s AND state = 'alive'
