-- The holder of a lease that ran out loses it here, and only here: until somebody comes, it may still renew.
-- Zero rows: somebody holds the line.
INSERT INTO jobqueue_line AS line (name, token, holder, acquired_at, lease_expires_at)
VALUES (
    %(name)s, %(token)s, %(holder)s, strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'),
    strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds')
)
ON CONFLICT (name) DO UPDATE
SET token = excluded.token,
    holder = excluded.holder,
    acquired_at = excluded.acquired_at,
    lease_expires_at = excluded.lease_expires_at
WHERE line.lease_expires_at < strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
RETURNING token
