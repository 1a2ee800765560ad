-- Final records that bear the token of these claims: an earlier commit whose answer was lost.
SELECT asked.id
FROM unnest(%(ids)s::bigint[], %(tokens)s::uuid[]) AS asked (id, token)
WHERE EXISTS (
        SELECT FROM jobqueue_archivedjob AS archived
        WHERE archived.id = asked.id AND archived.claim_token = asked.token
    )
    OR EXISTS (
        SELECT FROM jobqueue_deadjob AS dead
        WHERE dead.id = asked.id AND dead.claim_token = asked.token
    )
