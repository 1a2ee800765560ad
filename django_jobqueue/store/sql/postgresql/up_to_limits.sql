
    -- The heads in line, up to the first job that a limit may hold back: those behind it must not overtake it.
    -- The window has no order of its own: rows come as they were picked.
    SELECT ahead.id
    FROM (
        SELECT head.id,
            bool_or(head.concurrency_key IS NOT NULL OR head.handler = ANY(%(limited)s::text[]))
                OVER (ROWS UNBOUNDED PRECEDING) AS is_behind
        FROM (/* heads */
        ) AS head
    ) AS ahead
    WHERE NOT ahead.is_behind