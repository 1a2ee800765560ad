SELECT token
FROM jobqueue_line
WHERE name = %(name)s AND lease_expires_at >= strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
