"""Releases of one site, each an app: what the first one enqueued, the others are to run."""
