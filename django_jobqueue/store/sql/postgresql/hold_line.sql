-- The holder of a lease that ran out loses it here, and only here: until somebody comes, it may still renew.
-- Zero rows: somebody holds the line.
INSERT INTO jobqueue_line AS line (name, token, holder, acquired_at, lease_expires_at)
VALUES (
    %(name)s, %(token)s::uuid, %(holder)s, clock_timestamp(), clock_timestamp() + make_interval(secs => %(lease)s)
)
ON CONFLICT (name) DO UPDATE
SET token = excluded.token,
    holder = excluded.holder,
    acquired_at = excluded.acquired_at,
    lease_expires_at = excluded.lease_expires_at
WHERE line.lease_expires_at < clock_timestamp()
RETURNING token
