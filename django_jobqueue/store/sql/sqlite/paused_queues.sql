-- Which of these queues a claim would pass over; the condition is that of claim.sql.
SELECT name
FROM jobqueue_queue
WHERE name IN (SELECT value FROM json_each(%(queues)s))
    AND paused_at IS NOT NULL
    AND (paused_until IS NULL OR paused_until > strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
