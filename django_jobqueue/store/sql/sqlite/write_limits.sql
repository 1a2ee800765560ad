-- Where each locked limit stands now: what its code declares, unless an operator has set it, and its rate.
UPDATE jobqueue_limit
SET max_running = json_extract(one.value, '$.max_running'),
    rate = json_extract(one.value, '$.rate'),
    rate_burst = json_extract(one.value, '$.rate_burst'),
    next_at = json_extract(one.value, '$.next_at')
FROM json_each(%(limits)s) AS one
WHERE kind = json_extract(one.value, '$.kind') AND name = json_extract(one.value, '$.name')
