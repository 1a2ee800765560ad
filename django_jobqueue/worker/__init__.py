"""One worker process: a service whose tasks claim jobs, run them, and keep what they hold alive.

Invariants: every outcome is written under its claim's token; what is in hand is finished or given
back before the process ends; handlers never see the connection that the bookkeeping uses. Only
`assembly` reads settings.
"""
