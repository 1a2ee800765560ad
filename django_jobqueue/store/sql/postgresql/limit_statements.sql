-- How long a statement may take, until the end of the transaction: behind a pooler in transaction mode, a plain SET would be
-- left to the next client. A limit of the role or the database that is lower stays as it is; 0 means none.
SELECT
    current_setting('statement_timeout'),
    set_config(
        'statement_timeout',
        COALESCE(LEAST(
            NULLIF(%(milliseconds)s, 0),
            NULLIF(EXTRACT(EPOCH FROM current_setting('statement_timeout')::interval) * 1000, 0)
        ), 0)::bigint::text,
        true
    )
