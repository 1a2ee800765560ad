-- What becomes of the jobs that wait for these jobs, where those are final now: the next of a success may go on; the others
-- are unwanted, and all that wait for them in turn, unless they hold. All of it is read from the records of what ended, so
-- it may be asked any number of times. A record that is gone was removed by somebody: it did not succeed, and nothing can
-- hold for it.
WITH RECURSIVE judged AS (
    SELECT waiting.id, waiting.on_failure, COALESCE(archived.state = 'succeeded', 0) AS may_go_on,
        archived.id IS NULL AND dead.id IS NULL AS is_gone,
        'job ' || waiting.waits_for || ', which it waited for, ' || CASE
            WHEN dead.id IS NOT NULL
                THEN 'is dead, ' || dead.reason || COALESCE(': ' || NULLIF(json_extract(dead.error, '$.message'), ''), '')
            WHEN archived.id IS NULL THEN 'is gone'
            ELSE 'was cancelled' || COALESCE(
                CASE WHEN json_extract(archived.error, '$.type') = 'Cancel'
                    THEN ': ' || NULLIF(json_extract(archived.error, '$.message'), '') END, ''
            )
        END AS why
    FROM json_each(%(ids)s) AS ended
    CROSS JOIN jobqueue_job AS waiting
    LEFT JOIN jobqueue_archivedjob AS archived ON archived.id = waiting.waits_for
    LEFT JOIN jobqueue_deadjob AS dead ON dead.id = waiting.waits_for
    WHERE waiting.waits_for = ended.value AND waiting.state = 'blocked' AND waiting.blocked_by IS NULL
        AND NOT EXISTS (SELECT 1 FROM jobqueue_job AS earlier WHERE earlier.id = waiting.waits_for)
), unwanted AS (
    SELECT id, why, is_gone FROM judged WHERE NOT may_go_on AND (is_gone OR on_failure = 'cancel')
    UNION
    SELECT later.id, unwanted.why, unwanted.is_gone
    FROM unwanted
    CROSS JOIN jobqueue_job AS later
    WHERE later.waits_for = unwanted.id AND later.state = 'blocked' AND later.blocked_by IS NULL
        AND (unwanted.is_gone OR later.on_failure = 'cancel')
)
SELECT id, NULL FROM judged WHERE may_go_on
UNION ALL
SELECT id, why FROM unwanted
