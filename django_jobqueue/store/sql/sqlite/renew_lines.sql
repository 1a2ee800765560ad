-- Fenced: a token that is not returned was lost to another holder.
UPDATE jobqueue_line
SET lease_expires_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds')
WHERE token IN (SELECT held.value FROM json_each(%(tokens)s) AS held)
RETURNING token
