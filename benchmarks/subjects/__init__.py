"""The systems that `peers` and `sqlite` compare, each behind a script of its own.

A script runs in the virtual environment of its subject, which knows nothing of this project: it and
what it imports from this folder use the standard library and the subject alone.
"""
