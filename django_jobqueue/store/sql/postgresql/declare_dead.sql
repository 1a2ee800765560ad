-- FOR UPDATE, which waits for a claim that is open: what it takes is then seen by the statements that follow.
UPDATE jobqueue_worker
SET state = 'dead', running = 0, ended_at = clock_timestamp()
WHERE id = (SELECT id FROM jobqueue_worker WHERE id = %(worker_id)s AND state = 'alive' FOR UPDATE)
