-- Where each locked limit stands now: what its code declares, unless an operator has set it, and its rate.
UPDATE jobqueue_limit AS record
SET max_running = one.max_running, rate = one.rate, rate_burst = one.rate_burst, next_at = one.next_at
FROM json_to_recordset(%(limits)s::json) AS one (
    kind text, name text, max_running int, rate text, rate_burst int, next_at timestamptz
)
WHERE record.kind = one.kind AND record.name = one.name
