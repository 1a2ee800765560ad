"""What stands between a store and its tables: a server that may be read-only, and perhaps a pooler
that gives one session of it to several connections in turn.
"""

import asyncio
from typing import Any

from django.db import connections

from .postgresql_waiters import PostgreSQLWaiters
from .sessions import connection_parameters

#: A pooler that is at rest gives the session that was used last; one at work may need some tries.
TRIES = 5
#: A pooler in session mode that has none left keeps a connection waiting. Psycopg then takes some
#: seconds more, to cancel what waits.
SECONDS = 3.0


class PostgreSQLServer(PostgreSQLWaiters):
    """Asks on Django's connection, and of a pooler on two of its own."""

    def is_read_only(self) -> bool:
        [(setting,)] = self.execute("SHOW transaction_read_only", None)
        return bool(setting == "on")

    def has_shared_sessions(self) -> bool:
        with connections[self.using].wrap_database_errors:
            return asyncio.run(_share_a_session(connection_parameters(self.using)))


async def _share_a_session(parameters: dict[str, Any]) -> bool:
    """Whether two connections that are open side by side were served by one process. Without a
    pooler, or with one in session mode, each has its own as long as it is open.
    """
    from psycopg import AsyncConnection

    ours: set[int] = set()
    theirs: set[int] = set()
    try:
        async with (
            asyncio.timeout(SECONDS),
            await AsyncConnection.connect(**parameters, autocommit=True) as one,
            await AsyncConnection.connect(**parameters, autocommit=True) as other,
        ):
            for _ in range(TRIES):
                ours.add(await _process_of(one))
                theirs.add(await _process_of(other))
    except TimeoutError:
        return False
    return not ours.isdisjoint(theirs)


async def _process_of(connection: Any) -> int:
    cursor = await connection.execute("SELECT pg_backend_pid()", prepare=False)
    [process] = await cursor.fetchone()
    return int(process)
