-- Final records that bear the token of these claims: an earlier commit whose answer was lost.
SELECT json_extract(asked.value, '$[0]')
FROM json_each(%(claims)s) AS asked
WHERE EXISTS (
        SELECT 1 FROM jobqueue_archivedjob AS archived
        WHERE archived.id = json_extract(asked.value, '$[0]') AND archived.claim_token = json_extract(asked.value, '$[1]')
    )
    OR EXISTS (
        SELECT 1 FROM jobqueue_deadjob AS dead
        WHERE dead.id = json_extract(asked.value, '$[0]') AND dead.claim_token = json_extract(asked.value, '$[1]')
    )
