"""The only code that writes lifecycle state.

Invariants: a job is in exactly one table; every write of a claim names the claim token and checks
how many rows it changed; nothing is read, decided upon, and then written by id.
"""

from .base import Claims, JobStore
from .resolver import store_for
from .steerable import RecordMarks

__all__ = ["Claims", "JobStore", "RecordMarks", "store_for"]
