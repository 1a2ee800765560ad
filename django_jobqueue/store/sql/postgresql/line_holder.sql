SELECT token::text
FROM jobqueue_line
WHERE name = %(name)s AND lease_expires_at >= statement_timestamp()
