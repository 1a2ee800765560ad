class BenchmarkFailed(Exception):
    """There is no figure to print; the message says why."""
