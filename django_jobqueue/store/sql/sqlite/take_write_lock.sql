-- Changes nothing, but takes the write lock, waiting for it: a DEFERRED transaction that reads before it writes is refused
-- at once where another has written in between, whatever the busy timeout says.
UPDATE jobqueue_worker SET running = running WHERE 0
