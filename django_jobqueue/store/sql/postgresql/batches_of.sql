SELECT DISTINCT batch_id FROM jobqueue_job WHERE id = ANY(%(ids)s::bigint[]) AND batch_id IS NOT NULL
