DELETE FROM jobqueue_line
WHERE name = %(name)s AND token = %(token)s::uuid
RETURNING name
