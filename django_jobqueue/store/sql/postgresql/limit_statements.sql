-- For the current transaction only: behind a pooler in transaction mode, a SET would be left to the next client.
SELECT set_config('statement_timeout', %(milliseconds)s::text, true)
