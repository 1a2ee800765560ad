UPDATE jobqueue_worker SET state = 'dead', ended_at = clock_timestamp() WHERE id = %(worker_id)s AND state = 'alive'
