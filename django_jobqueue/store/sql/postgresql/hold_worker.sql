-- Before the jobs of a worker are locked, as a reaper does it; with FOR KEY SHARE heartbeats pass.
SELECT id FROM jobqueue_worker WHERE id = %(worker_id)s FOR KEY SHARE
