-- Which of these queues a claim would pass over; the condition is that of claim.sql.
SELECT name
FROM jobqueue_queue
WHERE name = ANY(%(queues)s::text[])
    AND paused_at IS NOT NULL
    AND (paused_until IS NULL OR paused_until > statement_timestamp())
