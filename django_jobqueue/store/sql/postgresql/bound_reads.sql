-- Until the end of the transaction. A limit of the role or the database that is lower stays as it is;
-- 0 there means none.
SELECT
    current_setting('statement_timeout'),
    set_config(
        'statement_timeout',
        LEAST(
            %(milliseconds)s,
            NULLIF(EXTRACT(EPOCH FROM current_setting('statement_timeout')::interval) * 1000, 0)
        )::bigint::text,
        true
    )
