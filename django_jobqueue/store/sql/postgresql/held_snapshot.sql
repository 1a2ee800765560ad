-- Who holds the oldest snapshot of this database: what was finished since then cannot be vacuumed, nor leave the indexes.
-- A reader has an xmin, a writer that reads nothing just now has an xid alone; of who has both, the xmin is no younger.
-- Who may not see the activity of others sees their pid, application and xmin, but neither their times nor their queries.
-- A vacuum holds nothing back by its own xmin. An autovacuum worker has no user, which whoever may not see its type sees, too.
-- A slot's catalog_xmin is left out: it holds back the catalog, not our tables.
SELECT holder.kind, holder.pid, holder.name, holder.state, holder.xmin::text,
    extract(epoch FROM clock_timestamp() - holder.since)::float8, left(holder.query, 200)
FROM (
    SELECT 'connection' AS kind, pid, application_name AS name, state, xact_start AS since,
        NULLIF(query, '<insufficient privilege>') AS query,
        COALESCE(backend_xmin, backend_xid) AS xmin
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid()
        AND usesysid IS NOT NULL
        AND (datname = current_database() OR datid IS NULL)
    UNION ALL
    SELECT 'prepared transaction', NULL, gid, NULL, prepared, NULL, transaction
    FROM pg_prepared_xacts
    WHERE database = current_database()
    UNION ALL
    SELECT 'replication slot', active_pid, slot_name, NULL, NULL, NULL, xmin
    FROM pg_replication_slots
) AS holder
WHERE holder.xmin IS NOT NULL
ORDER BY age(holder.xmin) DESC, holder.since
LIMIT 1
