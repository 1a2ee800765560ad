"""The whole tour in one command: set up, enqueue, run a worker, tell what came of it."""
