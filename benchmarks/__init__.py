"""`python -m benchmarks NAME`: how fast the queue is, on real processes and a real database.

Each benchmark works in a database of its own, checks that every job ran exactly once before it
prints a figure, and prints the machine, the versions and the settings beside it.
"""
