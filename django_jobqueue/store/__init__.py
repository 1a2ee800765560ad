"""The only code that writes lifecycle state.

Invariants: a job is in exactly one table; every write of a claim names the claim token and checks
how many rows it changed; nothing is read, decided upon, and then written by id.
"""

from .base import JobStore
from .resolver import store_for

__all__ = ["JobStore", "store_for"]
