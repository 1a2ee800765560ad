"""Plain Python: what a job is and what is decided about it, without Django, a database or a clock.

What holds here:

- Nothing does I/O, and only `clock.py` asks the time; everything else is told it.
- Values are frozen. Deciding is a function from values to a value, so every branch is tested in one
  line.
- What `payloads.py` writes is stored by PostgreSQL and SQLite alike and reads back equal; what
  would not is refused, naming the place in it.
- Describing an error, a result or any hostile value for storage never raises.
- The standard library, msgspec and cronsim are the only imports.
"""
