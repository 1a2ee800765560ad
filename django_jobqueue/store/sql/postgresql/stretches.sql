
        -- One queue in the order of its index, without what lies before a watermark: dead entries, while somebody holds
        -- an old snapshot. Between the priorities that have one it is looked at whole, as nothing is known of it.
        SELECT found.*
        FROM (
            SELECT one.highest, one.lowest, COALESCE(one.since, '-infinity') AS since, COALESCE(one.first_id, 0) AS first_id
            FROM unnest(
                %(stretched)s::text[], %(highest)s::smallint[], %(lowest)s::smallint[], %(since)s::timestamptz[],
                %(first_ids)s::bigint[]
            ) WITH ORDINALITY AS one (queue, highest, lowest, since, first_id, place)
            WHERE one.queue = wanted.queue
            ORDER BY one.place
        ) AS stretch
        CROSS JOIN LATERAL (/* probe */
        ) AS found
        LIMIT wanted.free