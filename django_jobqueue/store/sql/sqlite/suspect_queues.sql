-- Reads suspects alone, of which there are few: the partial index holds nobody else.
SELECT DISTINCT queue FROM jobqueue_job WHERE state = 'ready' AND rescues > 0
