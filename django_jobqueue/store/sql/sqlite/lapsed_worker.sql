-- Expiry alone means nothing; to be declared dead is the event, so a worker that is late but unreaped simply renews.
SELECT id
FROM jobqueue_worker
WHERE state = 'alive' AND lease_expires_at < COALESCE(%(now)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'))
ORDER BY lease_expires_at
LIMIT 1
