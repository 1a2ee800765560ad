-- Fenced: a token that is not returned was lost to another holder.
UPDATE jobqueue_line
SET lease_expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE token IN (SELECT held.token::uuid FROM json_array_elements_text(%(tokens)s::json) AS held (token))
RETURNING token::text
