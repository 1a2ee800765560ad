"""The public API: declaring handlers, enqueueing, following and steering jobs.

What holds here:

- An enqueue is an INSERT in the caller's transaction; a wake-up is all that runs after the commit.
- Options, arguments and payloads are checked before any SQL, so a refusal leaves the caller's
  transaction usable and nothing stored.
- Only a registered handler runs; a row names it, and nothing is ever imported by that name.
- Async twins delegate to the sync methods and do nothing else.
- Settings are read at the time of a call, never at declaration: modules of jobs import early.
"""
