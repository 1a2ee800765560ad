"""The in-process half: queues and lines that need no database, and no Django.

What holds here:

- Nothing is durable: what has not been performed when the process ends is gone.
- Operations begin in the order of their arrival; a runner performs one at a time.
- What an operation or a handler raises costs no runner.
- A queue that was closed stays closed.
- A line is free before the first of its waiters wakes, and none of them holds the token.
"""

from .channel import RunnerState
from .holds import LineBackend
from .jobs import MemoryJob, MemoryQueue
from .ledger import MemoryDeadLetter
from .line import Acquired, Busy, Line, LineStatus, Token
from .operations import OperationQueue

__all__ = [
    "Acquired",
    "Busy",
    "Line",
    "LineBackend",
    "LineStatus",
    "MemoryDeadLetter",
    "MemoryJob",
    "MemoryQueue",
    "OperationQueue",
    "RunnerState",
    "Token",
]
