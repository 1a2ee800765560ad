"""`python -m benchmarks document`: docs/performance.md and its charts, from the results kept in
benchmarks/results.

Nothing in the document is written by hand: what a figure means stands here, in the module of its
section, beside what reads it from the JSON.
"""
