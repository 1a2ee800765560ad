-- The ids of the jobs that a COPY is about to add, in their order, and what it must know of: the clock, and the attempts
-- that queues allow. The name of the sequence is looked up once, not for every id.
SELECT ARRAY(SELECT nextval(ids.of_jobs) FROM generate_series(1, %(count)s)),
    COALESCE(%(now)s::timestamptz, clock_timestamp()),
    (SELECT json_object_agg(name, max_attempts)::text FROM jobqueue_queue WHERE max_attempts IS NOT NULL)
FROM (SELECT pg_get_serial_sequence('jobqueue_job', 'id')::regclass AS of_jobs OFFSET 0) AS ids
